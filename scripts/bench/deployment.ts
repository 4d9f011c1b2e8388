import { readFile } from "node:fs/promises";
import { resolve } from "node:path";

import { parse } from "smol-toml";
import { z } from "zod";

/** What the benches follow of wrangler.toml: a binding that is new there is there too. */
const Deployment = z.object({
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
export type Deployment = z.infer<typeof Deployment>;

/** @param root the checkout whose wrangler.toml it is. */
export async function readDeployment(root: string): Promise<Deployment> {
  return Deployment.parse(parse(await readFile(resolve(root, "wrangler.toml"), "utf8")));
}

/** The bindings of its objects, in the words of the local runtime. */
export function objectsOf({ durable_objects }: Deployment) {
  return Object.fromEntries(
    durable_objects.bindings.map((each) => [each.name, { className: each.class_name, useSQLite: true }]),
  );
}
