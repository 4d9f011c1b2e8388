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
  const crash = object && crashOf(object);
  return new Proxy(env, {
    get: (target, key) => {
      if (key === "DB") return faultyDatabase(target.DB, crash);
      if (key === "TASK_BELLS") return faultyQueue(holdable(target.TASK_BELLS), crash);
      if (key === "WEBHOOK_BELLS") return faultyQueue(target.WEBHOOK_BELLS, crash);
      if (key === "FILES") return faultyFiles(target.FILES, crash);
      if (key === "TASK_REQUESTS") return faultyObjects(target.TASK_REQUESTS, "object");
      if (key === "SWEEPER") return faultyObjects(target.SWEEPER, "sweeper");
      if (key === "TASK_WATCHES") return faultyObjects(target.TASK_WATCHES, "watch");
      return Reflect.get(target, key) as unknown;
    },
  });
}

function crashOf(object: DurableObjectState): Crash {
  return async (flush) => {
    if (flush) await object.storage.sync();
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

function faultyDatabase(db: D1Database, crash: Crash | undefined): D1Database {
  const known = databases.get(crash ?? db);
  if (known !== undefined) return known;
  const wrappers = new WeakMap<object, Wrapped>();
  const wrap = (statement: D1PreparedStatement, sql: string, bound: readonly unknown[] = []): D1PreparedStatement => {
    const proxy = new Proxy(statement, {
      get: (target, key) => {
        if (key === "bind") return (...values: unknown[]) => wrap(target.bind(...values), sql, values);
        const method: unknown = Reflect.get(target, key);
        if (typeof method !== "function") return method;
        if (!EXECUTING.some((name) => name === key)) return method.bind(target);
        const call = { label: `db: ${sql}`, about: () => JSON.stringify(bound), crash };
        return (...values: unknown[]) => {
          noteSql(sql, bound);
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
          return through({ label, about, crash }, () => target.batch(known.map(({ statement }) => statement)));
        };
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  databases.set(crash ?? db, faulty);
  return faulty;
}

function faultyQueue(queue: Queue, crash: Crash | undefined): Queue {
  return new Proxy(queue, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== "function") return method;
      return (...values: unknown[]) =>
        through({ ...callOf("queue", key, values), crash }, async () => Reflect.apply(method, target, values));
    },
  });
}

function faultyFiles(bucket: R2Bucket, crash: Crash | undefined): R2Bucket {
  return new Proxy(bucket, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== "function") return method;
      // The name alone says what a call is for; a body is large.
      return (...values: unknown[]) =>
        through({ ...callOf("files", key, values.slice(0, 1)), crash }, async () =>
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
      if (key === "getByName") return (name: string) => faultyStub(target.getByName(name), name, binding);
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  namespaces.set(objects, faulty);
  return faulty;
}

function faultyStub<T extends object>(stub: T, name: string, binding: string): T {
  return new Proxy(stub, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== "function") return method;
      return (...values: unknown[]) =>
        through(callOf(binding, key, [name, ...values]), async () => Reflect.apply(method, target, values));
    },
  });
}

function callOf(binding: string, method: string | symbol, values: readonly unknown[]): BindingCall {
  return { label: `${binding}: ${String(method)}`, about: () => JSON.stringify(values), crash: undefined };
}
