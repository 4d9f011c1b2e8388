import { openDatabase } from "../../src/data/database/database";
import { nowText } from "../../src/data/database/now";
import { serviceClock } from "../../src/runtime/clock";
import { noteSql } from "./explained-sql";
import type { BindingCall, Crash } from "./faults";
import { holdable } from "./schedules/bindings-control";
import { through } from "./schedules/passage";

const EXECUTING = ["run", "all", "raw", "first"] as const;

/**
 * The environment, with every call of D1, queue and objects passing through the faults.
 * @param object the object that makes the calls, so that it may crash in them.
 */
export function withFaults(env: Env, object?: DurableObjectState): Env {
  const caller = object === undefined ? WORKER : callerOf(object);
  return new Proxy(env, {
    get: (target, key) => {
      if (key === "DB") return faultyDatabase(target.DB, caller);
      if (key === "TASK_BELLS") return faultyQueue(holdable(target.TASK_BELLS), caller);
      if (key === "WEBHOOK_BELLS") return faultyQueue(target.WEBHOOK_BELLS, caller);
      if (key === "FILES") return faultyFiles(target.FILES, caller);
      if (key === "TASK_REQUESTS") return faultyObjects(target.TASK_REQUESTS, "object");
      if (key === "SWEEPER") return faultyObjects(target.SWEEPER, "sweeper");
      if (key === "TASK_WATCHES") return faultyObjects(target.TASK_WATCHES, "watch");
      return Reflect.get(target, key) as unknown;
    },
  });
}

/** Who makes calls: an object, whose crash resets it, or the Worker. */
interface Caller {
  crash: Crash | undefined;
}

const WORKER: Caller = { crash: undefined };
const objects = new Map<string, Caller>();
let isolateOutlivesObjects = false;

/**
 * Whether a reset of an object leaves its isolate alive, as a crash of it does: what the isolate remembers of its database
 * is then still there. Unless a test says so the isolate goes with the object, as in a deployment.
 */
export function letIsolateOutliveObjects(outlives: boolean): void {
  isolateOutlivesObjects = outlives;
}

function callerOf(object: DurableObjectState): Caller {
  const id = object.id.toString();
  const caller = (isolateOutlivesObjects ? objects.get(id) : undefined) ?? { crash: undefined };
  caller.crash = crashOf(object);
  if (isolateOutlivesObjects) objects.set(id, caller);
  return caller;
}

function crashOf(object: DurableObjectState): Crash {
  return async () => {
    // What it wrote before the call is durable: nothing leaves an object before that.
    await object.storage.sync();
    object.abort("Injected: crash");
    return new Promise<never>(() => undefined);
  };
}

interface Wrapped {
  readonly statement: D1PreparedStatement;
  readonly sql: string;
  readonly bound: readonly unknown[];
}

/** By who calls: what an object's calls reset is that object. */
const databases = new WeakMap<object, D1Database>();

function faultyDatabase(db: D1Database, caller: Caller): D1Database {
  const key = caller === WORKER ? db : caller;
  const known = databases.get(key);
  if (known !== undefined) return known;
  const wrappers = new WeakMap<object, Wrapped>();
  const wrap = (statement: D1PreparedStatement, sql: string, bound: readonly unknown[] = []): D1PreparedStatement => {
    const proxy = new Proxy(statement, {
      get: (target, key) => {
        if (key === "bind") return (...values: unknown[]) => wrap(target.bind(...values), sql, values);
        const method: unknown = Reflect.get(target, key);
        if (typeof method !== "function") return method;
        if (!EXECUTING.some((name) => name === key)) return method.bind(target);
        return (...values: unknown[]) => {
          noteSql(sql, bound);
          const late = async () => Reflect.apply(method, retimed(db, { sql, bound }), values);
          const call = { label: `db: ${sql}`, about: () => JSON.stringify(bound), crash: caller.crash, late };
          return through(call, async () => method.apply(target, values));
        };
      },
    });
    wrappers.set(proxy, { statement, sql, bound });
    return proxy;
  };
  const faulty = new Proxy(db, {
    get: (target, key) => {
      if (key === "prepare") return (sql: string) => wrap(target.prepare(sql), sql);
      if (key === "batch")
        return (statements: D1PreparedStatement[]) => {
          const known = statements.map((statement) => wrappers.get(statement) ?? { statement, sql: "?", bound: [] });
          for (const { sql, bound } of known) noteSql(sql, bound);
          const label = `db: ${known.map(({ sql }) => sql).join(";\n")}`;
          const about = () => JSON.stringify(known.map(({ bound }) => bound));
          const late = () => db.batch(known.map((each) => retimed(db, each)));
          const call = { label, about, crash: caller.crash, late };
          return through(call, () => target.batch(known.map(({ statement }) => statement)));
        };
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  databases.set(key, faulty);
  return faulty;
}

/** The clock of the service, which tests put forward, as all SQL has it: but for statements that bind its offset. */
const CLOCK = /\(?CAST\(unixepoch\('subsec'\) \* 1000 AS INTEGER\)(?! \+ \?)(?: \+ -?\d+\))?/g;

/** The same statement as it is carried out now: it sees the database's time of now, not that of when it was sent. */
function retimed(db: D1Database, { sql, bound }: Pick<Wrapped, "sql" | "bound">): D1PreparedStatement {
  return db.prepare(sql.replaceAll(CLOCK, nowText(openDatabase(db, serviceClock)))).bind(...bound);
}

function faultyQueue(queue: Queue, caller: Caller): Queue {
  return new Proxy(queue, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== "function") return method;
      return (...values: unknown[]) =>
        passed({ ...callOf("queue", key, values), crash: caller.crash }, async () =>
          Reflect.apply(method, target, values),
        );
    },
  });
}

function faultyFiles(bucket: R2Bucket, caller: Caller): R2Bucket {
  return new Proxy(bucket, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== "function") return method;
      // The name alone says what a call is for; a body is large.
      return (...values: unknown[]) =>
        passed({ ...callOf("files", key, values.slice(0, 1)), crash: caller.crash }, async () =>
          Reflect.apply(method, target, values),
        );
    },
  });
}

/** One for each binding, as the platform has it. */
const namespaces = new WeakMap<object, object>();

function faultyObjects<T extends Env["TASK_REQUESTS"] | Env["TASK_WATCHES"] | Env["SWEEPER"]>(
  objects: T,
  binding: string,
): T {
  const known = namespaces.get(objects);
  if (known !== undefined) return known as T;
  const faulty = new Proxy(objects, {
    get: (target, key) => {
      if (key === "getByName") return (name: string) => faultyStub(() => target.getByName(name), name, binding);
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  namespaces.set(objects, faulty);
  return faulty;
}

function faultyStub<T extends object>(open: () => T, name: string, binding: string): T {
  return new Proxy(open(), {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== "function") return method;
      return (...values: unknown[]) => {
        const call = { ...callOf(binding, key, [name, ...values]), crash: undefined };
        // Through a stub of its own: the caller's ends with the caller.
        const late = async () => {
          const stub = open();
          return Reflect.apply(Reflect.get(stub, key) as () => unknown, stub, values);
        };
        return through({ ...call, late }, async () => Reflect.apply(method, target, values));
      };
    },
  });
}

function callOf(binding: string, method: string | symbol, values: readonly unknown[]) {
  return { label: `${binding}: ${String(method)}`, about: () => JSON.stringify(values) };
}

/** A call whose late work is the same. */
function passed<T>(call: Omit<BindingCall, "late">, work: () => Promise<T>): Promise<T> {
  return through({ ...call, late: work }, work);
}
