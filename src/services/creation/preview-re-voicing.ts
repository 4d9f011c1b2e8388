import pLimit from "p-limit";
import { findFirstItems } from "../../data/parts/preview-store";
import { readForCreation } from "../../data/requests/creation-read-store";
import type { PendingItem } from "../../data/parts/item-store";
import { MODEL_CALLS_PER_MEMORY_MAX, NO_BUDGET } from "../../domain/tasks/budget";
import { newId } from "../../domain/ids";
import type { ItemProblem, ItemVerdict } from "../../domain/tasks/task";
import type { ReVoiceCommand } from "../../domain/tasks/operations";
import type { CallContext } from "../context";
import { ServiceError } from "../errors/errors";
import { reVoiceMemory, UNMETERED } from "../operations/re-voicing/re-voice-memory";
import { type RecallContext, recallContexts } from "../operations/re-voicing/work-on-part";
import type { TaskInput } from "../ports/task-input";
import { type Outcome, valueOf } from "../errors/outcome";
import { idsOf, planCommand } from "./plan-task";

/** Memories that a dry run retells to show them: each costs what it costs in a task. */
export const PREVIEW_MEMORIES_MAX = 5;
/** A client waits for all of it. What has not come by then is shown without a text. */
const PREVIEW_SECONDS = 60;

/** What a re-voicing would do, were it started now. */
export interface ReVoicePreview {
  readonly memories: number;
  /** Outages and crashes apart: what was in flight then is asked again. */
  readonly modelCallsMax: number;
  readonly preview: readonly PreviewedMemory[];
}

export interface PreviewedMemory {
  readonly source: { readonly memoryId: string; readonly text: string; readonly occurredAtMs: number | null };
  /** Null when the generator has none. */
  readonly text: string | null;
  readonly verdict: ItemVerdict;
  readonly problem: ItemProblem | null;
}

/**
 * The dry run of a re-voicing: the same checks, and the first memories retold as the task would retell them. It makes
 * nothing: no claim, no task, no collection; the calls of the generator are all it costs.
 * @param wanted as of a creation. @throws ServiceError the refusal that the real call would get.
 * @param count how many memories to retell, 0 to PREVIEW_MEMORIES_MAX.
 */
export async function previewReVoicing(
  ctx: CallContext,
  wanted: Outcome<TaskInput>,
  count: number,
): Promise<ReVoicePreview> {
  const { namespaceId } = ctx;
  const input = valueOf(wanted);
  // Only what is derived from it needs an id; nothing will ever have it.
  const taskId = newId("task");
  const { agentIds, collectionIds } = idsOf(input);
  const named = (ids: readonly string[]) => ids.map((id) => ({ namespaceId, id }));
  const wantedIds = { requests: [], agents: named(agentIds), collections: named(collectionIds), heldIn: [] };
  const { references } = await readForCreation(ctx.db, wantedIds);
  const command = await planCommand({ id: taskId, namespaceId }, input, references);
  if (command?.operation !== "re-voice") throw new Error("Only a re-voicing has a dry run.");
  const memories = references.findCollection(namespaceId, command.collectionId)?.memoryCount ?? 0;
  const preview = count === 0 ? [] : await retellFirst(ctx, taskId, command, count);
  const { maxModelCalls } = command.budget ?? NO_BUDGET;
  const modelCallsMax = Math.min(memories * MODEL_CALLS_PER_MEMORY_MAX, maxModelCalls ?? Number.POSITIVE_INFINITY);
  return { memories, modelCallsMax, preview };
}

async function retellFirst(
  ctx: CallContext,
  taskId: string,
  command: ReVoiceCommand,
  limit: number,
): Promise<readonly PreviewedMemory[]> {
  const { namespaceId } = ctx;
  const items = await findFirstItems(ctx.db, { namespaceId, collectionId: command.collectionId, limit });
  const contexts = await recallContexts(ctx, { command, namespaceId }, items);
  const slot = pLimit(ctx.limits.modelCallsPerInvocation);
  const signal = AbortSignal.timeout(PREVIEW_SECONDS * 1_000);
  return Promise.all(
    items.map((item, index) => slot(() => retell(ctx, { taskId, command, item, context: contexts[index], signal }))),
  );
}

interface Retelling {
  readonly taskId: string;
  readonly command: ReVoiceCommand;
  readonly item: PendingItem;
  readonly context: RecallContext | undefined;
  readonly signal: AbortSignal;
}

async function retell(ctx: CallContext, { context, ...retelling }: Retelling): Promise<PreviewedMemory> {
  const { item, signal } = retelling;
  const { text = "", occurredAtMs = null } = item.source ?? {};
  const source = { memoryId: item.sourceMemoryId, text, occurredAtMs };
  const { modelTimeoutSeconds } = ctx.limits;
  const { sourceContext = [], agentContext = [] } = context ?? {};
  try {
    signal.throwIfAborted();
    const input = { ...retelling, sourceContext, agentContext, modelTimeoutSeconds, calls: UNMETERED };
    const { memory, verdict, problem } = await reVoiceMemory(ctx.generator, input);
    return { source, text: memory?.text ?? null, verdict, problem };
  } catch (error) {
    return { source, text: null, verdict: "failed", problem: problemOf(error, signal) };
  }
}

/** A task would try again later; a preview says so. @throws any error that is no matter of the generator. */
function problemOf(error: unknown, signal: AbortSignal): ItemProblem {
  if (signal.aborted) {
    return { code: "model-unavailable", detail: `The model did not answer within ${PREVIEW_SECONDS} s.` };
  }
  if (error instanceof ServiceError) return { code: error.value.code, detail: error.message };
  throw error;
}
