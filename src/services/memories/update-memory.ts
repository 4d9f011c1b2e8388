import canonicalize from "canonicalize";
import { type ChangedMemory, findMemoryIdByKey, updateMemory as updateStored } from "../../data/memories/update-store";
import type { Memory, MemoryContent } from "../../domain/memories/memory";
import { getCollection } from "../collections/collections";
import type { CallContext } from "../context";
import { embedStored } from "../vectors/embed-memories";
import { faultAt, ServiceError } from "../errors/errors";
import { digestOf, sameKeyOf } from "./memory-keys";
import { checkReferences } from "./memory-references";
import { memoryBusy, memoryExists } from "./remove-memories";
import { getMemory } from "./memories";
import { succeed, valueOf } from "../errors/outcome";
import { change, type VersionCondition } from "../optimistic-write";

/** Only what changes. */
export type MemoryPatch = Partial<MemoryContent>;

/**
 * Changes what a client says of a memory; one that would stay as it is is not written. Only references that are new to it
 * are checked: it may go on naming what was deleted since.
 * @throws ServiceError `collection-not-found`, `collection-deleted`, `memory-not-found`, `memory-deleted`,
 * `version-changed`, `agent-not-found`, `agent-deleted`; `memory-exists`, which names the memory that has its external
 * id, or says the same.
 */
export async function updateMemory(
  ctx: CallContext,
  place: { readonly collectionId: string; readonly id: string },
  patch: MemoryPatch,
  condition: VersionCondition,
): Promise<Memory> {
  const { collectionId, id } = place;
  const { db, namespaceId } = ctx;
  const changed = await change<Memory>(ctx, {
    noun: "memory",
    condition,
    read: () => getMemory(ctx, collectionId, id),
    step: async (memory) => {
      const next = { ...memory, ...patch };
      if (canonicalize(contentOf(next)) === canonicalize(contentOf(memory))) return memory;
      await checkNewReferences(ctx, memory, next);
      return next;
    },
    write: async (next, version) => updateStored(db, namespaceId, await withKeys(next), version),
    explain: async (next) => {
      // What is read again shows the rest: that it, or its collection, is gone or was changed.
      const { sameKey } = await withKeys(next);
      const holder = sameKey === null ? undefined : await findMemoryIdByKey(db, namespaceId, collectionId, sameKey);
      if (holder === undefined || holder === id) return undefined;
      await getCollection(ctx, collectionId);
      throw memoryExists(holder, next.externalId === null ? "/text" : "/external_id");
    },
    busy: memoryBusy,
  });
  await embedStored(ctx, { namespaceId, collectionId }, [id]);
  return changed;
}

/** A re-voiced memory is told from others by (task, source memory), until it gets an external id. */
async function withKeys(memory: Memory): Promise<ChangedMemory> {
  const content = contentOf(memory);
  const keyless = memory.source !== null && memory.externalId === null;
  const [sameKey, digest] = keyless ? [null, null] : await Promise.all([sameKeyOf(content), digestOf(content)]);
  return { ...memory, sameKey, digest };
}

function contentOf(memory: Memory): MemoryContent {
  const { text, vectorText, type, importance, memo, metadata, occurredAtMs } = memory;
  const { agentId, childMemoryIds, externalId } = memory;
  return {
    text,
    vectorText,
    type,
    importance,
    memo,
    metadata,
    occurredAtMs,
    agentId,
    childMemoryIds,
    externalId,
  };
}

async function checkNewReferences(ctx: CallContext, before: Memory, next: Memory): Promise<void> {
  const own = next.childMemoryIds.indexOf(next.id);
  if (own !== -1) throw ownChild(`/child_memory_ids/${own}`);
  const known = new Set(before.childMemoryIds);
  const agentId = next.agentId === before.agentId ? null : next.agentId;
  // Those it has already are replaced by one that is there, so that the places of the others stay.
  const childMemoryIds = next.childMemoryIds.map((child) => (known.has(child) ? next.id : child));
  const [checked] = await checkReferences(ctx, next.collectionId, [succeed({ agentId, childMemoryIds })], () => "");
  if (checked !== undefined) valueOf(checked);
}

function ownChild(pointer: string): ServiceError {
  const detail = "A memory cannot be its own child. Remove its id.";
  return new ServiceError("invalid", "validation-failed", detail, faultAt(pointer, detail));
}
