import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { PROJECT_ROOT } from "../../dev/wrangler.ts";
import { type Deployment, objectsOf, readDeployment } from "../deployment.ts";
import { ADMIN_KEY, type BenchWorker } from "../runtime.ts";
import { Counts } from "../tasks/counts.ts";
import { assetsOf, type ServiceCode, withoutTypes } from "../workers.ts";

const COUNTING_PATH = resolve(PROJECT_ROOT, "test/bench/counting/counted-bindings.ts");
const SERVICE_MODULE = "service.js";
const COUNTING_MODULE = "counting.js";
/** Where the counts are read, and with DELETE begun anew. Not counted itself. */
const COUNTS_PATH = "/bench/counts";
const QUIET_MS = 1_500;

/**
 * The service as it is deployed, behind a Worker that counts what it asks of its bindings.
 * @param variables besides those that it is deployed with.
 * @param queues whether its consumers take what it sends, or it stays where it is.
 */
export async function countedWorker(
  { root, code }: ServiceCode,
  variables: Readonly<Record<string, string>>,
  queues: "consumed" | "kept",
): Promise<BenchWorker> {
  const config = await readDeployment(root);
  return {
    name: "refrain",
    code: entryCode(config),
    modules: {
      [SERVICE_MODULE]: code,
      [COUNTING_MODULE]: withoutTypes(await readFile(COUNTING_PATH, "utf8")),
    },
    bindings: {
      bindings: { ...config.vars, ADMIN_KEY, RATE_LIMIT: "off", ...variables },
      durableObjects: objectsOf(config),
      queueProducers: Object.fromEntries(config.queues.producers.map((each) => [each.binding, each.queue])),
      queueConsumers: queues === "kept" ? {} : consumersOf(config),
      r2Buckets: Object.fromEntries(config.r2_buckets.map((each) => [each.binding, each.bucket_name])),
      ratelimits: Object.fromEntries(config.ratelimits.map(({ name, ...limit }) => [name, limit])),
      serviceBindings: { ASSETS: assetsOf(root) },
    },
  };
}

function consumersOf({ queues }: Deployment) {
  return Object.fromEntries(
    queues.consumers.map((each) => [
      each.queue,
      {
        maxBatchSize: each.max_batch_size,
        maxBatchTimeout: each.max_batch_timeout,
        maxRetries: each.max_retries,
        ...(each.dead_letter_queue === undefined ? {} : { deadLetterQueue: each.dead_letter_queue }),
      },
    ]),
  );
}

/** The Worker before the service: a few lines, because which classes there are is for wrangler.toml to say. */
function entryCode(config: Deployment): string {
  const kinds = Object.fromEntries([
    ...config.d1_databases.map(({ binding }) => [binding, "d1"] as const),
    ...config.queues.producers.map(({ binding }) => [binding, "queue"] as const),
    ...config.r2_buckets.map(({ binding }) => [binding, "bucket"] as const),
    ...config.durable_objects.bindings.map((each) => [each.name, { objectsOf: each.class_name }] as const),
  ]);
  const classes = config.durable_objects.bindings.map(
    ({ class_name: name }) =>
      `export const ${name} = counting.countedObject(service.${name}, ${JSON.stringify(name)}, kinds);`,
  );
  return `
    import * as service from "./${SERVICE_MODULE}";
    import * as counting from "./${COUNTING_MODULE}";
    const kinds = ${JSON.stringify(kinds)};
    ${classes.join("\n")}
    export default {
      fetch(request, env, ctx) {
        if (new URL(request.url).pathname === ${JSON.stringify(COUNTS_PATH)}) {
          if (request.method === "DELETE") counting.resetCounts();
          return Response.json(counting.readCounts());
        }
        counting.countFetch();
        return service.default.fetch(request, counting.countedEnv(env, kinds), ctx);
      },
      async queue(batch, env, ctx) {
        const counted = counting.countedBatch(batch);
        await service.default.queue(counted.batch, counting.countedEnv(env, kinds), ctx);
        counted.settle();
      },
      scheduled: (controller, env, ctx) => service.default.scheduled(controller, counting.countedEnv(env, kinds), ctx),
    };`;
}

export async function resetCounts(address: string): Promise<void> {
  await (await fetch(address + COUNTS_PATH, { method: "DELETE" })).body?.cancel();
}

/** What comes after an answer is counted too: the counts are read once nothing moves any more. */
export async function countsAtRest(address: string, signal: AbortSignal): Promise<Counts> {
  let before = "";
  for (;;) {
    signal.throwIfAborted();
    const text = await (await fetch(address + COUNTS_PATH)).text();
    if (text === before) return Counts.parse(JSON.parse(text));
    before = text;
    await delay(QUIET_MS);
  }
}
