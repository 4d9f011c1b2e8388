import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4MiniflareOptions } from "miniflare";

import { LOCAL_HOST } from "../dev/ports.ts";

/** As in wrangler.toml. */
export const COMPATIBILITY_DATE = "2026-10-01";
const MODULE_NAME = "worker.js";
export const ADMIN_KEY = "bench-admin-key";
/** The same as in wrangler.toml, so that wrangler's migrations and this runtime open one file. */
const DATABASE_ID = "00000000-0000-0000-0000-000000000000";

/** A Worker to be measured: its code, and the bindings that it has besides. */
export interface BenchWorker {
  readonly name: string;
  readonly code: string;
  /** What its code imports, by name: "./name". */
  readonly modules?: Readonly<Record<string, string>>;
  readonly bindings: Pick<
    V4WorkerOptions,
    | "bindings"
    | "durableObjects"
    | "queueProducers"
    | "queueConsumers"
    | "r2Buckets"
    | "workflows"
    | "ratelimits"
    | "serviceBindings"
  >;
}

type V4WorkerOptions = Extract<V4MiniflareOptions, { workers: unknown }>["workers"][number];

export interface Runtime {
  readonly address: string;
  /** A process id of the runtime is not told; its database is. */
  database(): ReturnType<Miniflare["getD1Database"]>;
  stop(): Promise<void>;
}

/**
 * Starts workerd with one Worker on a socket of its own: no development proxy, no router of assets, no entry Worker
 * before it. What it keeps goes to disk below `stateDir`.
 */
export async function startRuntime(worker: BenchWorker, stateDir: string): Promise<Runtime> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: LOCAL_HOST,
      port: 0,
      log: new Log(LogLevel.NONE),
      logRequests: false,
      cf: false,
      resourcePersistencePath: stateDir,
      // Logs of the Worker would land in the table; a fault shows in its answers.
      handleStructuredLogs: () => undefined,
      workers: [
        {
          name: worker.name,
          compatibilityDate: COMPATIBILITY_DATE,
          modules: Object.entries({ [MODULE_NAME]: worker.code, ...worker.modules }).map(([path, contents]) => ({
            type: "ESModule",
            path,
            contents,
          })),
          d1Databases: { DB: DATABASE_ID },
          ...worker.bindings,
          unsafeDirectSockets: [{ host: LOCAL_HOST, port: 0 }],
        },
      ],
    }),
  );
  try {
    const url = await miniflare.unsafeGetDirectURL(worker.name);
    return {
      address: url.origin,
      database: () => miniflare.getD1Database("DB", worker.name),
      stop: () => miniflare.dispose(),
    };
  } catch (error) {
    await miniflare.dispose();
    throw error;
  }
}
