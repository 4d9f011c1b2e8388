import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { AgentAnswer, CollectionAnswer } from "../demo/answers.ts";
import { BenchFault } from "./bench-fault.ts";
import { ADMIN_KEY, startRuntime } from "./runtime.ts";
import { PROJECT_ROOT } from "../dev/wrangler.ts";
import { bundleService, migrateService, type ServiceCode, serviceWorker } from "./workers.ts";

export const BATCHES_PATH = "/v1/batches";
export const HEADERS = { "content-type": "application/json", authorization: `Bearer ${ADMIN_KEY}` };

/** The service, ready to be measured: its bundle, and a state that has its tables, an agent and a collection. */
export interface Scene {
  readonly service: ServiceCode;
  readonly stateDir: string;
  /** What a client sends to create one task. */
  readonly batch: Readonly<Record<string, unknown>>;
}

/** @param root of another checkout, where it is not the service of this one. */
export async function makeScene(workDir: string, signal: AbortSignal, root = PROJECT_ROOT): Promise<Scene> {
  const stateDir = join(workDir, "scene", "v3");
  await mkdir(stateDir, { recursive: true });
  const service = await bundleService(root, workDir, signal);
  await migrateService(root, stateDir, signal);
  const runtime = await startRuntime(await serviceWorker(service, "per-request"), stateDir);
  try {
    const agent = { name: "Mara", voice: { openers: ["Mark this:"], lexicon: { dog: "hound" } } };
    const { agent_id } = await put(runtime.address, "/v1/agents", agent, AgentAnswer);
    const { collection_id } = await put(runtime.address, "/v1/collections", { name: "life" }, CollectionAnswer);
    const memories = [{ text: "I fed two dogs in Lisbon on 3 May 2001.", importance: 5 }];
    await put(runtime.address, `/v1/collections/${collection_id}/memories`, { memories }, z.unknown());
    return { service, stateDir, batch: { operation: "re-voice", agent_id, collection_id, target: { name: "retold" } } };
  } finally {
    await runtime.stop();
  }
}

/** Sends one creation, which must be the first of its id. */
export async function createFirst(address: string, requestId: string, body: string): Promise<void> {
  const headers = { ...HEADERS, requestId };
  const answer = await fetch(address + BATCHES_PATH, { method: "PUT", headers, body });
  const text = await answer.text();
  if (answer.status !== 201) throw new BenchFault(`The first creation was answered ${answer.status}: ${text}`);
}

async function put<T>(address: string, path: string, body: unknown, schema: z.ZodType<T>): Promise<T> {
  const headers = { ...HEADERS, requestId: randomUUID() };
  const answer = await fetch(address + path, { method: "PUT", headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new BenchFault(`PUT ${path} was answered ${answer.status}: ${text}`);
  return schema.parse(JSON.parse(text));
}
