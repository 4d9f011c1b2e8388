import { z } from "zod";
import { METADATA_KEY_MAX_CHARACTERS, METADATA_MAX_CHARACTERS } from "../../domain/metadata";
import type { Collection } from "../../domain/collections/collection";
import {
  CHILD_MEMORIES_MAX,
  EXTERNAL_ID_MAX_CHARACTERS,
  IMPORTANCE_DEFAULT,
  IMPORTANCE_MAX,
  IMPORTANCE_MIN,
  MEMO_MAX_CHARACTERS,
  type Memory,
  MEMORY_TEXT_MAX_CHARACTERS,
  MEMORY_TYPES,
} from "../../domain/memories/memory";
import type { GivenLine, GivenMemory, MemoryFormat } from "../../services/ports/ports";

/*
 * Version 1 of the file: a line about the collection, then one for each memory, as `GET …/memories` shows it. A file
 * that a person writes needs no first line, and of a memory no more than its text.
 */

const FORMAT = 1;
const FAULTS_MAX = 3;
const YEAR_0000_MS = Date.parse("0000-01-01T00:00:00Z");
const YEAR_10000_MS = Date.parse("+010000-01-01T00:00:00Z");

const MemoryId = z.string().regex(/^memory_[0-9a-f]{32}$/, "must be the id of a memory");
const Time = z.iso
  .datetime({ offset: true, error: "must be an RFC 3339 time" })
  .transform((text) => Date.parse(text))
  .refine((ms) => ms >= YEAR_0000_MS && ms < YEAR_10000_MS, "must be a time of the years 0000 to 9999");

const CollectionLine = z.looseObject({
  type: z.literal("collection"),
  format: z.literal(FORMAT, `must be ${FORMAT}: this service reads no other version of the file`),
});

const MemoryLine = z.strictObject({
  memory_id: MemoryId.nullish(),
  collection_id: z.string().nullish(),
  agent_id: z.string().nullish(),
  text: z.string().min(1).max(MEMORY_TEXT_MAX_CHARACTERS),
  vector_text: z.string().max(MEMORY_TEXT_MAX_CHARACTERS).nullish(),
  type: z.enum(MEMORY_TYPES).optional(),
  importance: z.int().min(IMPORTANCE_MIN).max(IMPORTANCE_MAX).optional(),
  memo: z.string().max(MEMO_MAX_CHARACTERS).nullish(),
  metadata: z
    .record(z.string().max(METADATA_KEY_MAX_CHARACTERS), z.unknown())
    .refine((value) => JSON.stringify(value).length <= METADATA_MAX_CHARACTERS, {
      error: `must be at most ${METADATA_MAX_CHARACTERS} characters of JSON`,
    })
    .optional(),
  occurred_at: Time.nullish(),
  created_at: Time.nullish(),
  accessed_at: Time.nullish(),
  access_count: z.int().min(0).optional(),
  child_memory_ids: z.array(MemoryId).max(CHILD_MEMORIES_MAX).optional(),
  source: z.strictObject({ memory_id: MemoryId, task_id: z.string().regex(/^task_[0-9a-f]{32}$/) }).nullish(),
  external_id: z.string().min(1).max(EXTERNAL_ID_MAX_CHARACTERS).nullish(),
  deleted: z.literal(false, "must be false: what was deleted is not imported").optional(),
});

export const ndjsonFormat: MemoryFormat = {
  collectionLine: (collection) => lineOf(toCollectionLine(collection)),
  memoryLine: (memory) => lineOf(toMemoryLine(memory)),
  readLine,
};

function lineOf(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

function toCollectionLine(collection: Collection) {
  return {
    type: "collection",
    format: FORMAT,
    collection_id: collection.id,
    name: collection.name,
    description: collection.description,
    agent_id: collection.agentId,
    metadata: collection.metadata,
    created_at: iso(collection.createdAtMs),
    updated_at: iso(collection.updatedAtMs),
  };
}

function toMemoryLine(memory: Memory) {
  return {
    memory_id: memory.id,
    collection_id: memory.collectionId,
    agent_id: memory.agentId,
    text: memory.text,
    vector_text: memory.vectorText,
    type: memory.type,
    importance: memory.importance,
    memo: memory.memo,
    metadata: memory.metadata,
    occurred_at: iso(memory.occurredAtMs),
    created_at: iso(memory.createdAtMs),
    accessed_at: iso(memory.accessedAtMs),
    access_count: memory.accessCount,
    child_memory_ids: memory.childMemoryIds,
    source: memory.source && { memory_id: memory.source.memoryId, task_id: memory.source.taskId },
    external_id: memory.externalId,
    deleted: false,
  };
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

function readLine(value: unknown): GivenLine {
  if (typeof value === "object" && value !== null && "type" in value && value.type === "collection") {
    const { error } = CollectionLine.safeParse(value);
    return error === undefined ? { kind: "collection" } : { kind: "fault", detail: detailOf(error) };
  }
  const { error, data } = MemoryLine.safeParse(value);
  return error === undefined
    ? { kind: "memory", memory: toGivenMemory(data) }
    : { kind: "fault", detail: detailOf(error) };
}

function toGivenMemory(line: z.output<typeof MemoryLine>): GivenMemory {
  return {
    id: line.memory_id ?? null,
    text: line.text,
    vectorText: line.vector_text ?? null,
    type: line.type ?? "observation",
    importance: line.importance ?? IMPORTANCE_DEFAULT,
    memo: line.memo ?? null,
    metadata: line.metadata ?? {},
    occurredAtMs: line.occurred_at ?? null,
    createdAtMs: line.created_at ?? null,
    accessedAtMs: line.accessed_at ?? null,
    accessCount: line.access_count ?? 0,
    agentId: line.agent_id ?? null,
    childMemoryIds: line.child_memory_ids ?? [],
    source: line.source ? { memoryId: line.source.memory_id, taskId: line.source.task_id } : null,
    externalId: line.external_id ?? null,
  };
}

/** A sentence for each of the first faults. */
function detailOf(error: z.ZodError): string {
  return error.issues
    .slice(0, FAULTS_MAX)
    .map(({ path, message }) => {
      const field = path.map(String).join("/");
      return `${field === "" ? "The line" : field}: ${message}.`;
    })
    .join(" ");
}
