/*
 * Stands before the bindings of the service and counts what it asks of them, in the units that the platform bills. One
 * file without imports, so that taking its types away is all that it needs. The counts are of the isolate: the Worker's,
 * its queue's consumer and its objects' share them.
 */

/** What is counted; all zero when it begins. */
const counts = {
  fetches: 0,
  queueRuns: 0,
  d1: { roundTrips: 0 },
  queue: { written: 0, read: 0, deleted: 0 },
  objectCalls: {} as Record<string, number>,
  objectAlarms: {} as Record<string, number>,
  objectRows: { read: 0, written: 0 },
  bucket: { a: 0, b: 0 },
};

/** By the text of the statement; `trips` counts those that were the first of their round trip. */
interface StatementCounts {
  trips: number;
  calls: number;
  rowsRead: number;
  rowsWritten: number;
  /** How many values it was given. */
  values: number;
}
const statements = new Map<string, StatementCounts>();

export function readCounts(): object {
  return { ...counts, statements: Array.from(statements, ([sql, figures]) => ({ sql, ...figures })) };
}

export function countFetch(): void {
  counts.fetches += 1;
}

export function resetCounts(): void {
  Object.assign(counts, { fetches: 0, queueRuns: 0, d1: { roundTrips: 0 }, objectCalls: {}, objectAlarms: {} });
  Object.assign(counts, { queue: { written: 0, read: 0, deleted: 0 }, bucket: { a: 0, b: 0 } });
  counts.objectRows = { read: 0, written: 0 };
  statements.clear();
}

function add(into: Record<string, number>, name: string): void {
  into[name] = (into[name] ?? 0) + 1;
}

/** Which binding is what; an object's says its class too. Told from wrangler.toml. */
export type Kinds = Readonly<Record<string, "d1" | "queue" | "bucket" | { readonly objectsOf: string }>>;

const known = new WeakMap<object, object>();

/** The same bindings, counted. The same for the same environment: the service remembers things by it. */
export function countedEnv<E extends object>(env: E, kinds: Kinds): E {
  const before =
    known.get(env) ?? Object.fromEntries(Object.entries(env).map(([name, it]) => [name, wrap(it, kinds[name])]));
  known.set(env, before);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the names are the same, and each has the methods of its kind that the service calls
  return before as E;
}

function wrap(binding: any, kind: Kinds[string] | undefined): unknown {
  if (kind === undefined) return binding;
  if (kind === "d1") return countedDatabase(binding);
  if (kind === "queue") return countedQueue(binding);
  if (kind === "bucket") return countedBucket(binding);
  return countedNamespace(binding, kind.objectsOf);
}

/** Calls go to the real thing, those that are named here by way of what stands for them. */
function standIn<T extends object>(real: T, own: Record<string | symbol, unknown>): T {
  return new Proxy(real, {
    get: (target, name) => {
      if (Object.hasOwn(own, name)) return own[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

interface Meta {
  readonly rows_read: number;
  readonly rows_written: number;
}

function countStatement({ sql, real }: CountedStatement, { rows_read, rows_written }: Meta, isFirst: boolean): void {
  const values: number = real.params.length;
  const figures = statements.get(sql) ?? { trips: 0, calls: 0, rowsRead: 0, rowsWritten: 0, values };
  figures.trips += isFirst ? 1 : 0;
  figures.calls += 1;
  figures.rowsRead += rows_read;
  figures.rowsWritten += rows_written;
  statements.set(sql, figures);
}

async function roundTrip<T extends { readonly meta: any }>(work: Promise<T>, statement: CountedStatement): Promise<T> {
  counts.d1.roundTrips += 1;
  const result = await work;
  countStatement(statement, result.meta, true);
  return result;
}

function countedDatabase(real: D1Database) {
  return standIn(real, {
    prepare: (sql: string) => new CountedStatement(real.prepare(sql), sql),
    batch: async (batch: readonly CountedStatement[]) => {
      counts.d1.roundTrips += 1;
      const results = await real.batch(batch.map((each) => each.real));
      for (const [index, statement] of batch.entries())
        countStatement(statement, results[index]?.meta as any, index === 0);
      return results;
    },
  });
}

class CountedStatement {
  constructor(
    readonly real: any,
    readonly sql: string,
  ) {}

  bind(...values: unknown[]): CountedStatement {
    return new CountedStatement(this.real.bind(...values), this.sql);
  }

  run(): Promise<D1Result> {
    return roundTrip(this.real.run(), this);
  }

  all(): Promise<D1Result> {
    return roundTrip(this.real.all(), this);
  }

  async first(): Promise<unknown> {
    return (await this.all()).results[0] ?? null;
  }

  /** What `raw` does inside: itself it does not tell how many rows were read. */
  async raw(): Promise<unknown[]> {
    const { dbSession, statement, params } = this.real;
    const sent = dbSession._sendOrThrow("/query", statement, params, "ROWS_AND_COLUMNS");
    const result: any = await roundTrip(
      sent.then(([only]: any[]) => only),
      this,
    );
    return result.results.rows;
  }
}

function countedQueue(real: Queue) {
  return standIn(real, {
    send: (body: unknown, options?: QueueSendOptions) => {
      counts.queue.written += 1;
      return real.send(body, options);
    },
    sendBatch: (messages: Iterable<MessageSendRequest>, options?: QueueSendBatchOptions) => {
      const list = [...messages];
      counts.queue.written += list.length;
      return real.sendBatch(list, options);
    },
  });
}

/** A batch for its consumer: each message is read once, and deleted when nobody asks for it again. */
export function countedBatch(real: MessageBatch): { readonly batch: MessageBatch; readonly settle: () => void } {
  counts.queueRuns += 1;
  counts.queue.read += real.messages.length;
  const retried = new Set<Message>();
  const messages = real.messages.map((message) =>
    standIn(message, {
      retry: (options?: QueueRetryOptions) => {
        retried.add(message);
        message.retry(options);
      },
    }),
  );
  const settle = (): void => void (counts.queue.deleted += real.messages.length - retried.size);
  return { batch: standIn(real, { messages }), settle };
}

function countedBucket(real: R2Bucket) {
  const counted = (kind: "a" | "b" | null, name: keyof R2Bucket) => {
    const call = (...args: any[]): unknown => {
      if (kind !== null) counts.bucket[kind] += 1;
      return (real as any)[name](...args);
    };
    return [name, call] as const;
  };
  const writes = (["put", "list", "createMultipartUpload"] as const).map((name) => counted("a", name));
  const reads = (["get", "head"] as const).map((name) => counted("b", name));
  return standIn(real, Object.fromEntries([...writes, ...reads]));
}

function countedNamespace(real: DurableObjectNamespace, className: string) {
  const stub = (it: object): object =>
    new Proxy(it, {
      get: (target: any, name: string) => {
        if (typeof name !== "string" || name === "then") return target[name];
        return (...args: unknown[]): unknown => {
          add(counts.objectCalls, `${className}.${name}`);
          return target[name](...args);
        };
      },
    });
  return standIn(real, {
    get: (id: DurableObjectId) => stub(real.get(id)),
    getByName: (name: string) => stub(real.getByName(name)),
  });
}

type ObjectClass = new (ctx: any, env: any) => any;

/** The class, whose objects have counted bindings, count their alarms, and count the rows of their storage. */
export function countedObject(Class: ObjectClass, name: string, kinds: Kinds): ObjectClass {
  return class extends Class {
    constructor(ctx: DurableObjectState, env: object) {
      countStorage(ctx.storage);
      super(ctx, countedEnv(env, kinds));
    }

    alarm(...args: unknown[]): unknown {
      add(counts.objectAlarms, name);
      return super.alarm?.(...args);
    }
  };
}

/** An alarm that is set is billed as a row. */
function countStorage(storage: DurableObjectStorage): void {
  const { sql } = storage;
  const exec = sql.exec.bind(sql);
  sql.exec = ((query: string, ...values: unknown[]) => {
    const cursor = exec(query, ...values);
    // Its rows are read by then: whoever asks takes them at once.
    queueMicrotask(() => {
      counts.objectRows.read += cursor.rowsRead;
      counts.objectRows.written += cursor.rowsWritten;
    });
    return cursor;
  }) as typeof sql.exec;
  const setAlarm = storage.setAlarm.bind(storage);
  storage.setAlarm = (...args) => {
    counts.objectRows.written += 1;
    return setAlarm(...args);
  };
}
