import { unavailableOf } from "../errors/refusals";
import { errorText } from "../../domain/basics/error-text";
import { insertMemories, type InsertedMemory, type NewMemory } from "../../data/memories/insert-store";
import { findMemory, listMemories as listStored, type MemoryFilters } from "../../data/memories/memory-store";
import { newId } from "../../domain/ids";
import type { Memory, MemoryContent } from "../../domain/memories/memory";
import type { Page, PageRequest } from "../../domain/page";
import { getCollection } from "../collections/collections";
import type { CallContext } from "../context";
import { embedStored } from "../vectors/embed-memories";
import { type ErrorValue, gone, notFound, ServiceError, FAULTS_MAX } from "../errors/errors";
import { digestOf, sameKeyOf } from "./memory-keys";
import { checkReferences } from "./memory-references";
import { fail, type Outcome } from "../errors/outcome";

/** What became of one memory of a call. */
export type MemoryVerdict =
  | { readonly verdict: "created" | "updated" | "skipped"; readonly memoryId: string }
  | { readonly verdict: "refused"; readonly error: ErrorValue };

/**
 * Adds memories to a collection, each with a verdict of its own, in the order given. May be sent again at any time:
 * a memory that is there already is skipped, or updated when it has a known external id and other content. Where an
 * embedder makes vectors, those that the memories lack are made once they are stored; they stand without.
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
  const checked = refuseRepeatedIds(await toNewMemories(await checkReferences(ctx, collectionId, given, pointerOf)));
  const accepted = checked.flatMap((outcome) => (outcome.ok ? [outcome.value] : []));
  if (accepted.length === 0) throw allRefused(checked);
  const inserted = await insert(ctx, collectionId, [...firstOfKey(accepted).values()]);
  // Deleted since it was read: nothing was written.
  if (inserted.size === 0) await getCollection(ctx, collectionId);
  await embedStored(
    ctx,
    { namespaceId: ctx.namespaceId, collectionId },
    [...inserted.values()].map(({ id }) => id),
  );
  const seen = new Set<string>();
  return checked.map((outcome) => {
    if (!outcome.ok) return { verdict: "refused", error: outcome.error };
    const { id, sameKey } = outcome.value;
    const repeated = seen.has(sameKey);
    seen.add(sameKey);
    return verdictOf(id, inserted.get(sameKey), repeated);
  });
}

function pointerOf(index: number): string {
  return `/memories/${index}`;
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
    return await insertMemories(ctx.db, ctx.namespaceId, collectionId, memories);
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

/** One external id with two contents in one call: nobody can say which is meant. */
function refuseRepeatedIds(given: readonly Outcome<NewMemory>[]): readonly Outcome<NewMemory>[] {
  const firsts = firstOfKey(given.flatMap((outcome) => (outcome.ok ? [outcome.value] : [])));
  return given.map((outcome, index) => {
    if (!outcome.ok || outcome.value.externalId === null) return outcome;
    if (firsts.get(outcome.value.sameKey)?.digest === outcome.value.digest) return outcome;
    const detail = "An earlier memory of this call has this external_id and other content. Send one of them.";
    return fail(
      new ServiceError("invalid", "validation-failed", detail, {
        faults: [{ pointer: `${pointerOf(index)}/external_id`, detail }],
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
