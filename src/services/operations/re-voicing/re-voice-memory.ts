import type { ItemResult, PendingItem } from "../../../data/parts/item-store";
import { allowedByVoice, checkFacts } from "../../../domain/facts/fact-guard";
import { reVoicedMemoryIdOf } from "../../../domain/ids";
import { MEMORY_TEXT_MAX_CHARACTERS } from "../../../domain/memories/memory";
import { lengthFault } from "../../../domain/facts/length-guard";
import { refuses } from "../../../domain/facts/refusal";
import { type ItemProblem, NO_USAGE, type TaskUsage } from "../../../domain/tasks/task";
import type { FrozenAgent, ReVoiceCommand } from "../../../domain/tasks/operations";
import { ServiceError } from "../../errors/errors";
import type { ContextMemory, ReVoiceRequest, TextGenerator, TokenUsage } from "../../ports/ports";

/** Where the calls of the generator are counted, each before it is begun. */
export interface CallMeter {
  /** @returns undefined when no further call may be begun. */
  readonly begin: () => BegunCall | undefined;
}

export interface BegunCall {
  readonly answered: (usage: TokenUsage) => void;
  /** The generator was unavailable. @param busy whether it said when to come again. */
  readonly unanswered: (busy: boolean) => void;
}

const NOT_COUNTED: BegunCall = { answered: () => undefined, unanswered: () => undefined };
/** For calls outside of tasks. */
export const UNMETERED: CallMeter = { begin: () => NOT_COUNTED };

/** Thrown where a memory needs a call that the budget does not have: it stays open. */
export class OutOfCalls extends Error {
  constructor() {
    super("The budget has no call left.");
    this.name = "OutOfCalls";
  }
}

export interface ReVoiceMemoryInput {
  readonly taskId: string;
  readonly command: ReVoiceCommand;
  readonly item: PendingItem;
  readonly sourceContext: readonly ContextMemory[];
  readonly agentContext: readonly ContextMemory[];
  /** A generator that has not answered by then counts as unavailable. */
  readonly modelTimeoutSeconds: number;
  readonly calls: CallMeter;
  readonly signal: AbortSignal;
}

/**
 * Re-voices one memory: a generation, the guard, and where that finds something one repair. Of two texts that fail the
 * guard the better is kept, and marked `flagged`; a generator that refuses this memory, or fails on it, makes it `failed`.
 * What is used up counts over both calls. A repair that the budget has no call for is not made: the first text stands.
 * @throws OutOfCalls; ServiceError `unavailable` when the generator cannot answer now; the reason of `signal` when it aborts.
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
  | { readonly text: string; readonly problem: GuardProblem | null; readonly usage: TaskUsage }
  | { readonly text: null; readonly detail: string; readonly again: boolean; readonly usage: TaskUsage };

type GuardProblem = ItemProblem & { readonly missing: readonly string[]; readonly added: readonly string[] };

async function generate(
  generator: TextGenerator,
  input: ReVoiceMemoryInput,
  source: NonNullable<PendingItem["source"]>,
): Promise<Attempt> {
  const request = toRequest(input, source);
  const first = await callModel(generator, request, input, NO_USAGE);
  const isFinal = first.text === null ? !first.again : first.problem === null;
  if (isFinal) return first;
  const repair = first.text === null ? null : { text: first.text, ...factsOf(first.problem) };
  // Another key, or a gateway that knows it would give the first answer again.
  const idempotencyKey = `${request.idempotencyKey}:2`;
  const second = await callModel(generator, { ...request, idempotencyKey, repair }, input, first.usage).catch(
    (error: unknown) => {
      if (error instanceof OutOfCalls && first.text !== null) return first;
      throw error;
    },
  );
  return { ...better(first, second), usage: second.usage };
}

/** The text with the fewest faults, and of equal ones the first. */
function better(first: Attempt, second: Attempt): Attempt {
  return faultsOf(second) < faultsOf(first) ? second : first;
}

function faultsOf(attempt: Attempt): number {
  if (attempt.text === null) return Number.POSITIVE_INFINITY;
  if (attempt.problem === null) return 0;
  // A wrong length is a fault without a fact.
  return Math.max(1, attempt.problem.missing.length + attempt.problem.added.length);
}

function factsOf(problem: GuardProblem | null) {
  return { missing: problem?.missing ?? [], added: problem?.added ?? [] };
}

function toRequest(input: ReVoiceMemoryInput, source: NonNullable<PendingItem["source"]>): ReVoiceRequest {
  const { command, taskId, item } = input;
  const occurredAt = source.occurredAtMs === null ? null : new Date(source.occurredAtMs).toISOString();
  return {
    idempotencyKey: `${taskId}:${item.sourceMemoryId}`,
    agent: command.agent,
    memory: { memoryId: item.sourceMemoryId, text: source.text, occurredAt },
    position: item.position,
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
  input: ReVoiceMemoryInput,
  before: TaskUsage,
): Promise<Attempt> {
  const { signal, modelTimeoutSeconds } = input;
  const call = input.calls.begin();
  if (call === undefined) throw new OutOfCalls();
  const timeout = AbortSignal.timeout(modelTimeoutSeconds * 1_000);
  try {
    const result = await generator.reVoice(request, { signal: AbortSignal.any([signal, timeout]) });
    call.answered(result.usage);
    const usage = plus(before, result.usage);
    if (result.text === null) return { ...result, usage };
    return { ...checked(result.text, request, input.command), usage };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const unanswered = timeout.aborted ? outOfTime(modelTimeoutSeconds) : unavailableOf(error);
    if (unanswered !== undefined) {
      call.unanswered(isBusy(unanswered));
      throw unanswered;
    }
    call.answered(NO_TOKENS);
    const detail = error instanceof ServiceError ? error.message : "The generator failed on this memory.";
    return { text: null, detail, again: false, usage: plus(before, NO_TOKENS) };
  }
}

const NO_TOKENS: TokenUsage = { inputTokens: 0, outputTokens: 0 };

function plus(before: TaskUsage, { inputTokens, outputTokens }: TokenUsage): TaskUsage {
  return {
    modelCalls: before.modelCalls + 1,
    inputTokens: before.inputTokens + inputTokens,
    outputTokens: before.outputTokens + outputTokens,
  };
}

function checked(said: string, { memory }: ReVoiceRequest, { agent }: ReVoiceCommand) {
  // D1's JSON functions end a text at U+0000, and an export that holds one could not be imported.
  const text = said.replaceAll("\0", "").trim().toWellFormed();
  const unusable = { text: null, again: false } as const;
  if (text.length === 0) return { ...unusable, detail: "The generator answered nothing." };
  if (text.length > MEMORY_TEXT_MAX_CHARACTERS) return { ...unusable, detail: "The generator's text is too long." };
  if (refuses(memory.text, text)) return { ...unusable, detail: "The model refused to retell this memory." };
  return { text, problem: guard(memory.text, text, agent) };
}

function outOfTime(seconds: number): ServiceError {
  return new ServiceError("unavailable", "model-unavailable", `The generator did not answer in ${seconds} s.`);
}

/** Undefined for an error that trying again later does not cure. */
export function unavailableOf(error: unknown): ServiceError | undefined {
  return error instanceof ServiceError && error.value.kind === "unavailable" ? error : undefined;
}

/** True for a model that has too much to do, and says when to come again. */
export function isBusy(error: unknown): boolean {
  return unavailableOf(error)?.value.retryAfterSeconds !== undefined;
}

/** What the result lost or added, or null when every name, number and date is kept and the length can be right. */
function guard(source: string, result: string, { name, voice }: FrozenAgent): GuardProblem | null {
  const { missing, added } = checkFacts(source, result, allowedByVoice(name, voice));
  const length = lengthFault(source, result, voice);
  if (missing.length === 0 && added.length === 0) {
    if (length === null) return null;
    const size = length === "too-short" ? "much shorter" : "much longer";
    const detail = `The text is ${size} than its source: ${result.length} characters from ${source.length}.`;
    return { code: "length-suspect", detail, missing, added };
  }
  const parts = [missing.length > 0 && `lost: ${missing.join(", ")}`, added.length > 0 && `added: ${added.join(", ")}`];
  const detail = `Compared with the source, the text has ${parts.filter(Boolean).join("; ")}.`;
  return { code: "facts-lost", detail, missing, added };
}
