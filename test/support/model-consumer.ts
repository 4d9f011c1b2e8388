import { env } from "cloudflare:workers";
import pLimit from "p-limit";
import { openAiCompatibleGenerator } from "../../src/providers/openai-compatible/chat-generator";
import { openServices } from "../../src/runtime/composition";
import { LeaseKeeper } from "../../src/services/parts/lease-keeper";
import type { Limits } from "../../src/services/context";
import { ModelCalls } from "../../src/services/model/call-slots";
import type { TextGenerator } from "../../src/services/ports/ports";
import { answerBell } from "../../src/services/runs/answer-bell";
import { travelMs } from "./clock";
import { arm } from "./faults";
import { withFaults } from "./faulty-bindings";
import { batchOf, putBatch, type Scene, scene } from "./scene";
import type { ScriptedModel } from "./scripted-model";

/** The provider for any OpenAI-compatible server, with a scripted one behind it. */
export function generatorOn(
  model: Pick<ScriptedModel, "fetch">,
  more: { readonly stream?: boolean; readonly timeoutSeconds?: number; readonly apiKey?: string | null } = {},
): TextGenerator {
  const { stream = true, timeoutSeconds = 20, apiKey = "the-key" } = more;
  const baseUrl = "http://model.test/v1";
  const endpoint = { baseUrl, apiKey, timeoutSeconds, settings: "MODEL_API_KEY", fetch: model.fetch };
  return openAiCompatibleGenerator({ endpoint, model: "scripted-1", stream });
}

export interface Consumer {
  /** Answers one bell of the task. */
  readonly ring: (taskId: string) => Promise<unknown>;
  /** Lets time pass. */
  readonly pass: (seconds: number) => void;
}

/** A consumer with a generator of our own. Its bells go nowhere: each test answers them one by one. */
export function consumerOf(
  generator: TextGenerator,
  limits: Partial<Limits> = {},
  services = openServices(withFaults(env)),
): Consumer {
  const merged = { ...services.limits, ...limits };
  const run = {
    ...services,
    generator,
    limits: merged,
    modelCalls: new ModelCalls({ ...services, limits: merged }),
    stepSlot: pLimit(1),
    recallSlot: pLimit(1),
    leases: new LeaseKeeper({ ...services, limits: merged }),
  };
  return {
    ring: (taskId) => answerBell(run, taskId),
    pass: (seconds) => travelMs(seconds * 1_000),
  };
}

/** A task whose bells nobody hears but the test. */
export async function silentTask(memories: number | readonly object[], more: object = {}, agent: object = {}) {
  arm("drops", "queue: sendBatch", 10_000);
  const from: Scene = await scene(memories, agent);
  const { id } = (await putBatch(crypto.randomUUID(), batchOf(from, more))).body;
  return { from, id: String(id) };
}
