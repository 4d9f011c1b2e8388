import { loadPart, type PendingItem } from "../../../data/parts/item-store";
import type { ReVoiceCommand } from "../../../domain/tasks/operations";
import { Checkpoints } from "./checkpoints";
import type { Services } from "../../context";
import { embedStored } from "../../vectors/embed-memories";
import { PartCalls } from "./memory-queue";
import { PartTurn } from "./unanswered-memories";
import { type PartRun, referenceGone, type RunServices, type TurnOutcome } from "../../parts/part-work";
import type { ContextMemory } from "../../ports/ports";
import { recallForMemories, type RecalledMemory } from "../../recall/recall-for-memories";

const NO_CONTEXT: RecallContext = { sourceContext: [], agentContext: [] };

/**
 * Works on one part until it is done or its time is up. Each memory is checkpointed as it ends.
 * @returns whether every item of the part has a verdict.
 * @throws TaskFault `reference-gone`; ServiceError `unavailable` when the generator cannot answer now; LeaseLost; or what the
 * database threw. What was checkpointed before stays.
 */
export async function reVoicePart(services: RunServices, run: PartRun<"re-voice">): Promise<TurnOutcome> {
  const { lease, command } = run;
  const { items, referencesStand } = await loadPart(services.db, lease.part, command);
  if (!referencesStand) throw referenceGone();
  const of = { command, namespaceId: lease.part.namespaceId };
  const contexts = await services.recallSlot(() => recallContexts(services, of, items));
  const checkpoints = new Checkpoints(services, lease, command);
  const part = new PartTurn(services, run);
  const calls = new PartCalls(services, run, part, items.length);
  const work = items.map(async (item, index) => {
    const result = await calls.reVoice(item, contexts[index] ?? NO_CONTEXT);
    if (result !== undefined) await checkpoints.add(result);
  });
  // What is in flight ends and is checkpointed before a failure is told: it is paid for.
  await Promise.all(work.map((each) => each.catch((error: unknown) => part.failed(error))));
  await Promise.all((await part.end()).map((result) => checkpoints.add(result)));
  const place = { namespaceId: lease.part.namespaceId, collectionId: command.target.collectionId };
  if (!lease.lost) await embedStored(services, place, checkpoints.writtenIds);
  if (lease.lost) throw lease.signal.reason;
  if (part.fault !== undefined) throw part.fault;
  if (part.leftOver === 0) return "finished";
  return calls.begun === 0 ? "untouched" : "yielded";
}

export interface RecallContext {
  readonly sourceContext: readonly ContextMemory[];
  readonly agentContext: readonly ContextMemory[];
}

/** What each of these memories brings up, in one round trip. */
export async function recallContexts(
  services: Services,
  { command, namespaceId }: { readonly command: ReVoiceCommand; readonly namespaceId: string },
  items: readonly PendingItem[],
): Promise<readonly RecallContext[]> {
  const memories = items.map(({ sourceMemoryId, source }) => ({ id: sourceMemoryId, text: source?.text ?? "" }));
  const recalled = await recallForMemories(services, {
    namespaceId,
    nowMs: services.clock.nowMs(),
    memories,
    groups: [
      { collectionIds: [command.collectionId], settings: command.sourceMemorySettings },
      { collectionIds: command.boundCollectionIds, settings: command.agentMemorySettings },
    ],
  });
  return recalled.map(([source = [], agent = []]) => ({
    sourceContext: source.map(toContext),
    agentContext: agent.map(toContext),
  }));
}

function toContext(memory: RecalledMemory): ContextMemory {
  const { memoryId, text, occurredAtMs } = memory;
  return { memoryId, text, occurredAt: occurredAtMs === null ? null : new Date(occurredAtMs).toISOString() };
}
