import { holdable } from "./schedules/bindings-control";
import { through } from "./schedules/passage";

const EXECUTING = ["run", "all", "raw", "first"] as const;

/** The environment, with every call of D1, queue and objects passing through the faults. */
export function withFaults(env: Env): Env {
  return new Proxy(env, {
    get: (target, key) => {
      if (key === "DB") return faultyDatabase(target.DB);
      if (key === "TASK_BELLS") return faultyQueue(holdable(target.TASK_BELLS));
      if (key === "TASK_REQUESTS") return faultyObjects(target.TASK_REQUESTS);
      return Reflect.get(target, key) as unknown;
    },
  });
}

interface Wrapped {
  readonly statement: D1PreparedStatement;
  readonly sql: string;
}

const databases = new WeakMap<D1Database, D1Database>();

function faultyDatabase(db: D1Database): D1Database {
  const known = databases.get(db);
  if (known !== undefined) return known;
  const wrappers = new WeakMap<object, Wrapped>();
  const wrap = (statement: D1PreparedStatement, sql: string): D1PreparedStatement => {
    const proxy = new Proxy(statement, {
      get: (target, key) => {
        if (key === "bind") return (...values: unknown[]) => wrap(target.bind(...values), sql);
        const method: unknown = Reflect.get(target, key);
        if (typeof method !== "function") return method;
        if (!EXECUTING.some((name) => name === key)) return method.bind(target);
        return (...values: unknown[]) => through(`db: ${sql}`, async () => method.apply(target, values));
      },
    });
    wrappers.set(proxy, { statement, sql });
    return proxy;
  };
  const faulty = new Proxy(db, {
    get: (target, key) => {
      if (key === "prepare") return (sql: string) => wrap(target.prepare(sql), sql);
      if (key === "batch")
        return (statements: D1PreparedStatement[]) => {
          const known = statements.map((statement) => wrappers.get(statement) ?? { statement, sql: "?" });
          const label = known.map(({ sql }) => sql).join(";\n");
          return through(`db: ${label}`, () => target.batch(known.map(({ statement }) => statement)));
        };
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  databases.set(db, faulty);
  return faulty;
}

function faultyQueue(queue: Queue): Queue {
  return new Proxy(queue, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== "function") return method;
      return (...values: unknown[]) => through(`queue: ${String(key)}`, async () => method.apply(target, values));
    },
  });
}

function faultyObjects<T extends Env["TASK_REQUESTS"]>(objects: T): T {
  return new Proxy(objects, {
    get: (target, key) => {
      if (key === "getByName") return (name: string) => faultyStub(target.getByName(name));
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function faultyStub<T extends object>(stub: T): T {
  return new Proxy(stub, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key);
      if (typeof method !== "function") return method;
      return (...values: unknown[]) =>
        through(`object: ${String(key)}`, async () => Reflect.apply(method, target, values));
    },
  });
}
