import { type ItemResult, loadPart, type PendingItem } from "../data/task-item-store";
import type { ReVoiceCommand } from "../domain/task-commands";
import { Checkpoints } from "./checkpoints";
import type { Services } from "./context";
import { embedStored } from "./embedding";
import type { CallPlace } from "./model-calls";
import { type PartRun, referenceGone, type RunServices, type TurnOutcome } from "./part-run";
import type { ContextMemory } from "./ports";
import { recallForMemories, type RecalledMemory } from "./recall";
import { reVoiceMemory } from "./re-voice-memory";

/** Rules and form of a prompt, besides its texts; and what a text is likely to grow by. */
const TOKENS_RESERVED = 600;
const CHARACTERS_PER_TOKEN = 4;

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
  const contexts = await recallContexts(services, { command, namespaceId: lease.part.namespaceId }, items);
  const checkpoints = new Checkpoints(services, lease, command);
  const work = new PartCalls(services, run, items.length);
  const results = items.map(async (item, index) => {
    const { taskId } = lease.part;
    const context = contexts[index] ?? { sourceContext: [], agentContext: [] };
    const { modelTimeoutSeconds } = services.limits;
    const input = { taskId, command, item, ...context, modelTimeoutSeconds, signal: lease.signal };
    const result = await work.call(tokensOf(input), () => reVoiceMemory(services.generator, input));
    if (result !== undefined) await checkpoints.add(result);
  });
  // What is in flight ends and is checkpointed before a failure is told: it is paid for.
  await Promise.all(results.map((each) => each.catch((error: unknown) => work.fail(error))));
  const place = { namespaceId: lease.part.namespaceId, collectionId: command.target.collectionId };
  if (!lease.lost) await embedStored(services, place, checkpoints.writtenIds);
  if (lease.lost) throw lease.signal.reason;
  return work.outcome();
}

/** The calls of one part in one turn. */
class PartCalls {
  #toBegin: number;
  #begun = 0;
  #left = 0;
  #failure: unknown;

  constructor(
    private readonly services: RunServices,
    private readonly run: PartRun<"re-voice">,
    items: number,
  ) {
    this.#toBegin = items;
    this.#lookAhead();
  }

  /** @returns undefined when it was not begun in this turn. @throws what the work threw. */
  async call(tokens: number, work: () => Promise<ItemResult>): Promise<ItemResult | undefined> {
    const called = await this.services.modelCalls.run(this.#place(), tokens, work);
    const { turn } = this.run;
    if (called.begun) {
      turn.answered += 1;
      return called.value;
    }
    this.#left += 1;
    turn.restUntilMs = Math.max(turn.restUntilMs, called.restUntilMs);
    return undefined;
  }

  fail(error: unknown): void {
    this.#failure ??= error;
  }

  /** @throws the first failure. */
  outcome(): TurnOutcome {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#left === 0) return "finished";
    return this.#begun === 0 ? "untouched" : "yielded";
  }

  #place(): CallPlace {
    const { lease, turn } = this.run;
    const { namespaceId, taskId } = lease.part;
    return {
      namespaceId,
      taskId,
      deadlineMs: turn.deadlineMs,
      // At least one memory is done in every turn, however slow the model is: a turn is always progress.
      isOver: (nowMs) => this.#failure !== undefined || lease.lost || (nowMs >= turn.deadlineMs && turn.begun > 0),
      begin: () => {
        turn.begun += 1;
        this.#begun += 1;
        this.#toBegin -= 1;
        this.#lookAhead();
      },
      fail: (error) => this.fail(error),
    };
  }

  /** The next part is read while there is still enough of this one to fill the slots. */
  #lookAhead(): void {
    if (this.#toBegin < this.services.limits.modelCallsPerInvocation) this.run.readAhead();
  }
}

/** What a memory is likely to use: its prompt, and a text of the memory's own length. */
function tokensOf({ item, sourceContext, agentContext, command }: Parameters<typeof reVoiceMemory>[1]): number {
  const { name, description, persona, voice } = command.agent;
  const texts = [...sourceContext, ...agentContext].map(({ text }) => text);
  const own = item.source?.text ?? "";
  const characters = [own, own, command.instructions, name, description, persona, JSON.stringify(voice), ...texts];
  const sum = characters.reduce((sum, text) => sum + (text?.length ?? 0), 0);
  return TOKENS_RESERVED + Math.ceil(sum / CHARACTERS_PER_TOKEN);
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
