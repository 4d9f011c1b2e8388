import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import { AgentAnswer, CollectionAnswer } from "../../demo/answers.ts";
import { BenchFault } from "../bench-fault.ts";
import { Texts } from "../recall-texts.ts";
import { type Runtime, startRuntime } from "../runtime.ts";
import { HEADERS } from "../scene.ts";
import { PROJECT_ROOT } from "../../dev/wrangler.ts";
import { countedWorker } from "../counted/worker.ts";
import { bundleService, migrateService, type ServiceCode } from "../workers.ts";

const MEMORIES_PER_CALL = 100;
const SEED = 20_261_122;

/** What tells, in the bench and on its floor. */
export const AGENT = {
  name: "Mara",
  description: null,
  persona: null,
  voice: {
    person: "first",
    tone: null,
    traits: [],
    lexicon: { dog: "hound", house: "cottage", said: "told" },
    openers: ["Mark this:", "I recall it well:", "As I live:"],
    closers: ["That is how it was."],
    examples: [],
  },
} as const;

/** The service, and a state that has its tables, an agent, and a collection with the memories. */
export interface TaskScene {
  readonly service: ServiceCode;
  readonly stateDir: string;
  readonly texts: readonly string[];
  /** What a client sends to create the task. */
  readonly batch: Readonly<Record<string, unknown>>;
}

export async function makeTaskScene(workDir: string, memories: number, signal: AbortSignal): Promise<TaskScene> {
  const stateDir = join(workDir, "scene", "v3");
  await mkdir(stateDir, { recursive: true });
  const service = await bundleService(PROJECT_ROOT, workDir, signal);
  await migrateService(PROJECT_ROOT, stateDir, signal);
  const texts = memoryTexts(memories);
  const runtime = await startRuntime(await countedWorker(service, {}, "consumed"), stateDir);
  try {
    const { tone: _, ...voice } = AGENT.voice;
    const { agent_id } = await put(runtime, "/v1/agents", { name: AGENT.name, voice }, AgentAnswer);
    const { collection_id } = await put(runtime, "/v1/collections", { name: "life" }, CollectionAnswer);
    for (let first = 0; first < memories; first += MEMORIES_PER_CALL) {
      signal.throwIfAborted();
      const some = texts.slice(first, first + MEMORIES_PER_CALL).map((text) => ({ text }));
      await put(runtime, `/v1/collections/${collection_id}/memories`, { memories: some }, z.unknown());
    }
    const batch = { operation: "re-voice", agent_id, collection_id, target: { name: "retold" } };
    return { service, stateDir, texts, batch };
  } finally {
    await runtime.stop();
  }
}

/** Sentences of English words, each with facts of its own: a year, a name, a number. */
function memoryTexts(memories: number): readonly string[] {
  const names = ["Marta", "Pavel", "Lena", "Tomas", "Irma"];
  const texts = new Texts(SEED);
  return Array.from({ length: memories }, (_, index) => {
    const name = names[index % names.length];
    return `In ${1900 + (index % 120)} ${name} said to me, ${index + 3} times: ${texts.memory()}.`;
  });
}

async function put<T>({ address }: Runtime, path: string, body: unknown, schema: z.ZodType<T>): Promise<T> {
  const answer = await fetch(address + path, { method: "PUT", headers: HEADERS, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new BenchFault(`PUT ${path} was answered ${answer.status}: ${text}`);
  return schema.parse(JSON.parse(text));
}
