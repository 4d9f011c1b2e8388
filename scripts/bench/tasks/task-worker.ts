import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import ts from "typescript";

import { PROJECT_ROOT } from "../../dev/wrangler.ts";
import { type Deployment, objectsOf, readDeployment } from "../deployment.ts";
import { ADMIN_KEY, type BenchWorker, COMPATIBILITY_DATE } from "../runtime.ts";
import { readAsset, wrangler } from "../workers.ts";

const COUNTING_PATH = resolve(PROJECT_ROOT, "test/bench/counting/counted-bindings.ts");
const SERVICE_MODULE = "service.js";
const COUNTING_MODULE = "counting.js";
/** Where the counts are read, and with DELETE begun anew. Not counted itself. */
export const COUNTS_PATH = "/bench/counts";

/**
 * The service as it is deployed, its queue's consumer included, behind a Worker that counts what it asks of its bindings.
 * @param variables besides those that it is deployed with.
 */
export async function taskWorker(code: string, variables: Readonly<Record<string, string>>): Promise<BenchWorker> {
  const config = await readDeployment();
  const { outputText: counting } = ts.transpileModule(await readFile(COUNTING_PATH, "utf8"), {
    compilerOptions: { target: ts.ScriptTarget.ES2024, module: ts.ModuleKind.ESNext },
  });
  return {
    name: "refrain",
    code: entryCode(config),
    modules: { [SERVICE_MODULE]: code, [COUNTING_MODULE]: counting },
    bindings: {
      bindings: { ...config.vars, ADMIN_KEY, RATE_LIMIT: "off", ...variables },
      durableObjects: objectsOf(config),
      queueProducers: Object.fromEntries(config.queues.producers.map((each) => [each.binding, each.queue])),
      queueConsumers: Object.fromEntries(
        config.queues.consumers.map((each) => [
          each.queue,
          {
            maxBatchSize: each.max_batch_size,
            maxBatchTimeout: each.max_batch_timeout,
            maxRetries: each.max_retries,
            ...(each.dead_letter_queue === undefined ? {} : { deadLetterQueue: each.dead_letter_queue }),
          },
        ]),
      ),
      r2Buckets: Object.fromEntries(config.r2_buckets.map((each) => [each.binding, each.bucket_name])),
      ratelimits: Object.fromEntries(config.ratelimits.map(({ name, ...limit }) => [name, limit])),
      serviceBindings: { ASSETS: readAsset },
    },
  };
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

/** The floor: the generator alone. Bundled as the service is, because it imports what that does. */
export async function generatorFloor(workDir: string, signal: AbortSignal): Promise<BenchWorker> {
  const [config, outdir] = [join(workDir, "floor.json"), join(workDir, "floor")];
  const main = resolve(PROJECT_ROOT, "test/bench/floors/generator.ts");
  // The project's own would ask for the service's objects.
  await writeFile(config, JSON.stringify({ name: "floor", main, compatibility_date: COMPATIBILITY_DATE }));
  await wrangler(["deploy", "--config", config, "--dry-run", "--outdir", outdir], workDir, signal);
  return { name: "floor", code: await readFile(join(outdir, "generator.js"), "utf8"), bindings: {} };
}
