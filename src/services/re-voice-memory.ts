import type { ItemResult, PendingItem } from "../data/task-item-store";
import { allowedByVoice, checkFacts } from "../domain/fact-guard";
import { reVoicedMemoryIdOf } from "../domain/ids";
import { MEMORY_TEXT_MAX_CHARACTERS } from "../domain/memory";
import type { ItemProblem, TaskUsage } from "../domain/task";
import type { ReVoiceCommand } from "../domain/task-commands";
import { ServiceError } from "./errors";
import type { ContextMemory, ReVoiceRequest, TextGenerator } from "./ports";

/** A model that has not answered by then counts as unavailable. */
export const MODEL_CALL_SECONDS = 60;

export interface ReVoiceMemoryInput {
  readonly taskId: string;
  readonly command: ReVoiceCommand;
  readonly item: PendingItem;
  readonly sourceContext: readonly ContextMemory[];
  readonly agentContext: readonly ContextMemory[];
  readonly signal: AbortSignal;
}

const NO_USAGE: TaskUsage = { modelCalls: 0, inputTokens: 0, outputTokens: 0 };

/**
 * Re-voices one memory: a generation, the fact guard, and where facts were lost or added one repair. What still fails
 * the guard is kept and marked `flagged`; a generator that fails on this memory makes it `failed`.
 * @throws ServiceError `unavailable` when the generator cannot answer now; the reason of `signal` when it aborts.
 */
export async function reVoiceMemory(generator: TextGenerator, input: ReVoiceMemoryInput): Promise<ItemResult> {
  const { position, sourceMemoryId, source } = input.item;
  const without = { position, sourceMemoryId, memory: null };
  if (source === null) {
    const problem = { code: "memory-gone", detail: "The memory was deleted after the task began." };
    return { ...without, verdict: "skipped", problem, usage: NO_USAGE };
  }
  const attempt = await generate(generator, input, source);
  if (attempt.text === null) {
    const problem = { code: "generation-failed", detail: attempt.detail };
    return { ...without, verdict: "failed", problem, usage: attempt.usage };
  }
  const id = await reVoicedMemoryIdOf(input.taskId, sourceMemoryId);
  const childMemoryIds = await Promise.all(
    source.childMemoryIds.map((child) => reVoicedMemoryIdOf(input.taskId, child)),
  );
  return {
    position,
    sourceMemoryId,
    verdict: attempt.problem === null ? "re_voiced" : "flagged",
    memory: { id, text: attempt.text, childMemoryIds },
    problem: attempt.problem,
    usage: attempt.usage,
  };
}

type Attempt =
  | { readonly text: string; readonly problem: ItemProblem | null; readonly usage: TaskUsage }
  | { readonly text: null; readonly detail: string; readonly usage: TaskUsage };

async function generate(
  generator: TextGenerator,
  input: ReVoiceMemoryInput,
  source: NonNullable<PendingItem["source"]>,
): Promise<Attempt> {
  const request = toRequest(input, source);
  const first = await callModel(generator, request, input.signal, NO_USAGE);
  if (first.text === null) return first;
  const check = (text: string) => guard(source.text, text, input.command);
  const fault = check(first.text);
  if (fault === null) return { ...first, problem: null };
  const repair = { text: first.text, missing: fault.missing };
  const second = await callModel(generator, { ...request, repair }, input.signal, first.usage);
  if (second.text === null) return { ...first, problem: fault, usage: second.usage };
  return { ...second, problem: check(second.text) };
}

function toRequest(input: ReVoiceMemoryInput, source: NonNullable<PendingItem["source"]>): ReVoiceRequest {
  const { command, taskId, item } = input;
  const occurredAt = source.occurredAtMs === null ? null : new Date(source.occurredAtMs).toISOString();
  return {
    idempotencyKey: `${taskId}:${item.sourceMemoryId}`,
    agent: command.agent,
    memory: { memoryId: item.sourceMemoryId, text: source.text, occurredAt },
    sourceContext: input.sourceContext,
    agentContext: input.agentContext,
    instructions: command.instructions,
    repair: null,
  };
}

/** One call of the generator, within its time. What it says is data: bounded, and used as text only. */
async function callModel(
  generator: TextGenerator,
  request: ReVoiceRequest,
  signal: AbortSignal,
  before: TaskUsage,
): Promise<
  | { readonly text: string; readonly usage: TaskUsage }
  | { readonly text: null; readonly detail: string; readonly usage: TaskUsage }
> {
  const counted = { ...before, modelCalls: before.modelCalls + 1 };
  const timeout = AbortSignal.timeout(MODEL_CALL_SECONDS * 1_000);
  try {
    const result = await generator.reVoice(request, { signal: AbortSignal.any([signal, timeout]) });
    const usage = {
      modelCalls: counted.modelCalls,
      inputTokens: before.inputTokens + result.usage.inputTokens,
      outputTokens: before.outputTokens + result.usage.outputTokens,
    };
    const text = result.text.trim().toWellFormed();
    if (text.length > 0 && text.length <= MEMORY_TEXT_MAX_CHARACTERS) return { text, usage };
    const detail = text.length === 0 ? "The generator answered nothing." : "The generator's text is too long.";
    return { text: null, detail, usage };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (timeout.aborted) throw unavailable(`The generator did not answer in ${MODEL_CALL_SECONDS} s.`);
    if (error instanceof ServiceError && error.value.kind === "unavailable") throw error;
    const detail = error instanceof ServiceError ? error.message : "The generator failed on this memory.";
    return { text: null, detail, usage: counted };
  }
}

function unavailable(detail: string): ServiceError {
  return new ServiceError("unavailable", "generation-unavailable", detail);
}

/** What the result lost or added, or null when every name, number and date is kept. */
function guard(
  source: string,
  result: string,
  { agent }: ReVoiceCommand,
): (ItemProblem & { readonly missing: readonly string[] }) | null {
  const { missing, added } = checkFacts(source, result, allowedByVoice(agent.name, agent.voice));
  if (missing.length === 0 && added.length === 0) return null;
  const parts = [missing.length > 0 && `lost: ${missing.join(", ")}`, added.length > 0 && `added: ${added.join(", ")}`];
  const detail = `Compared with the source, the text has ${parts.filter(Boolean).join("; ")}.`;
  return { code: "facts-lost", detail, missing, added };
}
