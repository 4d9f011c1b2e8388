import { unavailableOf } from "./unavailable";
import { errorText } from "../domain/error-text";
import canonicalize from "canonicalize";
import { findAgentDeletions } from "../data/agent-store";
import { insertMemories, type InsertedMemory, type NewMemory } from "../data/memory-insert";
import { findMemory, findMemoryDeletions, listMemories as listStored, type MemoryFilters } from "../data/memory-store";
import { newId, sha256Hex } from "../domain/ids";
import type { Memory, MemoryContent } from "../domain/memory";
import type { Page, PageRequest } from "../domain/page";
import { getCollection } from "./collections";
import type { CallContext } from "./context";
import { type ErrorValue, gone, notFound, ServiceError, FAULTS_MAX } from "./errors";
import { fail, type Outcome } from "./outcome";

/** Ids of ours are shorter. A longer one is unknown, and need not travel to the database. */
const ID_CHARACTERS_MAX = 64;

/** What became of one memory of a call. */
export type MemoryVerdict =
  | { readonly verdict: "created" | "updated" | "skipped"; readonly memoryId: string }
  | { readonly verdict: "refused"; readonly error: ErrorValue };

/**
 * Adds memories to a collection, each with a verdict of its own, in the order given. May be sent again at any time:
 * a memory that is there already is skipped, or updated when it has a known external id and other content.
 * @param given 1 to MEMORIES_PER_CALL_MAX memories, or why one was refused already.
 * @throws ServiceError `collection-not-found`, `collection-deleted`; `validation-failed` when all are refused;
 * `write-unconfirmed` when the database did not say whether it stored them.
 */
export async function createMemories(
  ctx: CallContext,
  collectionId: string,
  given: readonly Outcome<MemoryContent>[],
): Promise<readonly MemoryVerdict[]> {
  await getCollection(ctx, collectionId);
  const checked = refuseRepeatedIds(await toNewMemories(await checkReferences(ctx, collectionId, given)));
  const accepted = checked.flatMap((outcome) => (outcome.ok ? [outcome.value] : []));
  if (accepted.length === 0) throw allRefused(checked);
  const inserted = await insert(ctx, collectionId, [...firstOfKey(accepted).values()]);
  // Deleted since it was read: nothing was written.
  if (inserted.size === 0) await getCollection(ctx, collectionId);
  const seen = new Set<string>();
  return checked.map((outcome) => {
    if (!outcome.ok) return { verdict: "refused", error: outcome.error };
    const { id, sameKey } = outcome.value;
    const repeated = seen.has(sameKey);
    seen.add(sameKey);
    return verdictOf(id, inserted.get(sameKey), repeated);
  });
}

function verdictOf(newMemoryId: string, inserted: InsertedMemory | undefined, repeated: boolean): MemoryVerdict {
  if (inserted === undefined) throw new Error("A memory was accepted, and is neither inserted nor there already.");
  const memoryId = inserted.id;
  if (repeated) return { verdict: "skipped", memoryId };
  if (memoryId === newMemoryId) return { verdict: "created", memoryId };
  return { verdict: inserted.updated ? "updated" : "skipped", memoryId };
}

async function insert(ctx: CallContext, collectionId: string, memories: readonly NewMemory[]) {
  try {
    return await insertMemories(ctx.db, ctx.namespaceId, collectionId, memories, ctx.clock.nowMs());
  } catch (error) {
    if (unavailableOf(error) === undefined) throw error;
    ctx.log("error", "memories-write-failed", { collection_id: collectionId, error: errorText(error) });
    throw new ServiceError(
      "unavailable",
      "write-unconfirmed",
      "The database did not say whether the memories were stored. Send the same call again: none is stored twice.",
    );
  }
}

/** Refuses the memories that refer to agents or child memories that are not there. */
async function checkReferences(
  ctx: CallContext,
  collectionId: string,
  given: readonly Outcome<MemoryContent>[],
): Promise<readonly Outcome<MemoryContent>[]> {
  const contents = given.flatMap((outcome) => (outcome.ok ? [outcome.value] : []));
  const agentIds = idsToAsk(contents.flatMap(({ agentId }) => (agentId === null ? [] : [agentId])));
  const childIds = idsToAsk(contents.flatMap(({ childMemoryIds }) => childMemoryIds));
  const [agents, children] = await Promise.all([
    agentIds.length === 0 ? NONE : findAgentDeletions(ctx.db, ctx.namespaceId, agentIds),
    childIds.length === 0 ? NONE : findMemoryDeletions(ctx.db, ctx.namespaceId, collectionId, childIds),
  ]);
  return given.map((outcome, index) => {
    if (!outcome.ok) return outcome;
    const { agentId, childMemoryIds } = outcome.value;
    const at = `/memories/${index}`;
    const fault =
      (agentId === null ? undefined : missing("agent", agents.get(agentId), `${at}/agent_id`)) ??
      firstDefined(childMemoryIds, (id, i) => missing("memory", children.get(id), `${at}/child_memory_ids/${i}`));
    return fault === undefined ? outcome : fail(fault);
  });
}

const NONE: ReadonlyMap<string, number | null> = new Map();

function idsToAsk(ids: readonly string[]): readonly string[] {
  return [...new Set(ids)].filter((id) => id.length <= ID_CHARACTERS_MAX);
}

/** @param deletedAtMs undefined when it is unknown, null when it is there. */
function missing(noun: "agent" | "memory", deletedAtMs: number | null | undefined, pointer: string) {
  if (deletedAtMs === null) return undefined;
  const error = (deletedAtMs === undefined ? notFound(noun) : gone(noun)).value;
  return { ...error, faults: [{ pointer, detail: error.message }] };
}

function firstDefined<T, R>(items: readonly T[], find: (item: T, index: number) => R | undefined): R | undefined {
  for (const [index, item] of items.entries()) {
    const found = find(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}

function toNewMemories(given: readonly Outcome<MemoryContent>[]): Promise<readonly Outcome<NewMemory>[]> {
  return Promise.all(
    given.map(async (outcome) => {
      if (!outcome.ok) return outcome;
      const content = outcome.value;
      const [sameKey, digest] = await Promise.all([sameKeyOf(content), digestOf(content)]);
      return { ok: true, value: { ...content, id: newId("memory"), sameKey, digest } } as const;
    }),
  );
}

/** Two memories of a collection with the same key are the same memory. */
export async function sameKeyOf({ externalId, text, type, occurredAtMs, agentId }: MemoryContent): Promise<string> {
  if (externalId !== null) return `x:${externalId}`;
  return `h:${await sha256Hex(JSON.stringify([text, type, occurredAtMs, agentId]))}`;
}

/** Equal for equal content. Canonical, so that the order of keys in the metadata makes no difference. */
export function digestOf(content: MemoryContent): Promise<string> {
  return sha256Hex(canonicalize(content) ?? "");
}

/** One external id with two contents in one call: nobody can say which is meant. */
function refuseRepeatedIds(given: readonly Outcome<NewMemory>[]): readonly Outcome<NewMemory>[] {
  const firsts = firstOfKey(given.flatMap((outcome) => (outcome.ok ? [outcome.value] : [])));
  return given.map((outcome, index) => {
    if (!outcome.ok || outcome.value.externalId === null) return outcome;
    if (firsts.get(outcome.value.sameKey)?.digest === outcome.value.digest) return outcome;
    const detail = "An earlier memory of this call has this external_id and other content. Send one of them.";
    return fail(
      new ServiceError("invalid", "validation-failed", detail, {
        faults: [{ pointer: `/memories/${index}/external_id`, detail }],
      }).value,
    );
  });
}

function firstOfKey(memories: readonly NewMemory[]): ReadonlyMap<string, NewMemory> {
  return new Map(memories.toReversed().map((memory) => [memory.sameKey, memory]));
}

function allRefused(outcomes: readonly Outcome<unknown>[]): ServiceError {
  const faults = outcomes.flatMap((outcome) => (outcome.ok ? [] : (outcome.error.faults ?? [])));
  const detail = "None of the memories can be accepted, and nothing was stored. Each entry of errors says what to do.";
  return new ServiceError("invalid", "validation-failed", detail, { faults: faults.slice(0, FAULTS_MAX) });
}

/** @throws ServiceError `collection-not-found`, `collection-deleted`, `memory-not-found`, `memory-deleted`. */
export async function getMemory(
  ctx: CallContext,
  collectionId: string,
  id: string,
  includeDeleted = false,
): Promise<Memory> {
  await getCollection(ctx, collectionId, includeDeleted);
  const memory = await findMemory(ctx.db, ctx.namespaceId, collectionId, id);
  if (memory === undefined) throw notFound("memory");
  if (memory.deletedAtMs !== null && !includeDeleted) throw gone("memory");
  return memory;
}

/** @throws ServiceError `collection-not-found`, `collection-deleted`. */
export async function listMemories(
  ctx: CallContext,
  collectionId: string,
  filters: MemoryFilters,
  page: PageRequest,
): Promise<Page<Memory>> {
  await getCollection(ctx, collectionId, filters.includeDeleted);
  return listStored(ctx.db, ctx.namespaceId, collectionId, filters, page);
}
