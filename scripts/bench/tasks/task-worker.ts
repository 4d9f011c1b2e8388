import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

import { parse } from "smol-toml";
import ts from "typescript";
import { z } from "zod";

import { PROJECT_ROOT } from "../../dev/wrangler.ts";
import { ADMIN_KEY, type BenchWorker, COMPATIBILITY_DATE } from "../runtime.ts";
import { readAsset, wrangler } from "../workers.ts";

const COUNTING_PATH = resolve(PROJECT_ROOT, "test/bench/counting/counted-bindings.ts");
const SERVICE_MODULE = "service.js";
const COUNTING_MODULE = "counting.js";
/** Where the counts are read, and with DELETE begun anew. Not counted itself. */
export const COUNTS_PATH = "/bench/counts";

/** What the bench follows of wrangler.toml: a binding that is new there is there in the bench too. */
const Config = z.object({
  vars: z.record(z.string(), z.string()),
  d1_databases: z.array(z.object({ binding: z.string() })),
  durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string() })) }),
  r2_buckets: z.array(z.object({ binding: z.string(), bucket_name: z.string() })),
  queues: z.object({
    producers: z.array(z.object({ binding: z.string(), queue: z.string() })),
    consumers: z.array(
      z.object({
        queue: z.string(),
        max_batch_size: z.number(),
        max_batch_timeout: z.number(),
        max_retries: z.number(),
        dead_letter_queue: z.string().optional(),
      }),
    ),
  }),
  ratelimits: z.array(
    z.object({
      name: z.string(),
      namespace_id: z.string(),
      simple: z.object({ limit: z.number(), period: z.union([z.literal(10), z.literal(60)]) }),
    }),
  ),
});
type Config = z.infer<typeof Config>;

/**
 * The service as it is deployed, its queue's consumer included, behind a Worker that counts what it asks of its bindings.
 * @param variables besides those that it is deployed with.
 */
export async function taskWorker(code: string, variables: Readonly<Record<string, string>>): Promise<BenchWorker> {
  const config = Config.parse(parse(await readFile(resolve(PROJECT_ROOT, "wrangler.toml"), "utf8")));
  const { outputText: counting } = ts.transpileModule(await readFile(COUNTING_PATH, "utf8"), {
    compilerOptions: { target: ts.ScriptTarget.ES2024, module: ts.ModuleKind.ESNext },
  });
  return {
    name: "refrain",
    code: entryCode(config),
    modules: { [SERVICE_MODULE]: code, [COUNTING_MODULE]: counting },
    bindings: {
      bindings: { ...config.vars, ADMIN_KEY, RATE_LIMIT: "off", ...variables },
      durableObjects: Object.fromEntries(
        config.durable_objects.bindings.map((each) => [each.name, { className: each.class_name, useSQLite: true }]),
      ),
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
function entryCode(config: Config): string {
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
