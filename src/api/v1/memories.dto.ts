import { z } from "@hono/zod-openapi";
import {
  CHILD_MEMORIES_MAX,
  EXTERNAL_ID_MAX_CHARACTERS,
  IMPORTANCE_DEFAULT,
  IMPORTANCE_MAX,
  IMPORTANCE_MIN,
  MEMO_MAX_CHARACTERS,
  MEMORIES_PER_CALL_MAX,
  MEMORY_TEXT_MAX_CHARACTERS,
  type Memory,
  type MemoryContent,
  type MemoryType,
} from "../../domain/memories/memory";
import type { MemoryPatch } from "../../services/memories/update-memory";
import type { MemoryVerdict } from "../../services/memories/memories";
import { fail, type Outcome, succeed } from "../../services/errors/outcome";
import { faultsOf, validationFailed } from "../faults";
import { problemMembers } from "../problem";
import { ProblemV1 } from "../route";
import { MetadataV1, TimestampV1, toMsOrNull, toTimestamp, toTimestampOrNull, withoutUndefined } from "./common.dto";

/** Wire words of the types, and what each is inside. */
const TYPES = { observation: "observation", integration: "integration" } as const satisfies Record<
  MemoryType,
  MemoryType
>;

export const MemoryTypeV1 = z.enum(TYPES).openapi({ example: "observation" });

const TextV1 = z.string().min(1).max(MEMORY_TEXT_MAX_CHARACTERS).openapi({
  description: "What is remembered. Characters are counted as UTF-16 code units: most emoji count as two.",
  example: "On 14 July 2003 Marta sold 3 boats to her cousin Pavel for 1,200 crowns.",
});
const VectorTextV1 = z
  .string()
  .max(MEMORY_TEXT_MAX_CHARACTERS)
  .nullable()
  .openapi({ description: "Indexed beside the text, and embedded instead of it.", example: null });
const ImportanceV1 = z.number().int().min(IMPORTANCE_MIN).max(IMPORTANCE_MAX).openapi({ example: 7 });
const MemoV1 = z
  .string()
  .max(MEMO_MAX_CHARACTERS)
  .nullable()
  .openapi({ description: "A note of yours. Not searched.", example: "from the second interview" });
const OccurredAtV1 = TimestampV1.nullable().openapi({
  description: "When it happened, as far as known.",
  example: "2003-07-14T09:30:00Z",
});
const AgentIdV1 = z.string().nullable().openapi({ description: "Whose memory it is, if an agent's.", example: null });
const ChildMemoryIdsV1 = z.array(z.string()).max(CHILD_MEMORIES_MAX).openapi({
  description: "Memories of this collection that it sums up. One that was deleted since stays named.",
  example: [],
});
const ExternalIdV1 = z
  .string()
  .min(1)
  .max(EXTERNAL_ID_MAX_CHARACTERS)
  .nullable()
  .openapi({ description: "Your own id, unique in the collection.", example: "interview-2/17" });

export const MemoryInputV1 = z
  .strictObject({
    text: TextV1,
    vector_text: VectorTextV1.optional(),
    type: MemoryTypeV1.optional().openapi({ description: "Default observation." }),
    importance: ImportanceV1.optional().openapi({ description: `Default ${IMPORTANCE_DEFAULT}.` }),
    memo: MemoV1.optional(),
    metadata: MetadataV1.optional(),
    occurred_at: OccurredAtV1.optional(),
    agent_id: AgentIdV1.optional(),
    child_memory_ids: ChildMemoryIdsV1.optional(),
    external_id: ExternalIdV1.optional(),
  })
  .openapi("MemoryInputV1");

/** Built from the fields, so that nothing is required: what is not given stays. */
export const MemoryUpdateV1 = z
  .strictObject({
    text: TextV1,
    vector_text: VectorTextV1,
    type: MemoryTypeV1,
    importance: ImportanceV1,
    memo: MemoV1,
    metadata: MetadataV1.openapi({ description: "Replaces the metadata as a whole." }),
    occurred_at: OccurredAtV1,
    agent_id: AgentIdV1,
    child_memory_ids: ChildMemoryIdsV1,
    external_id: ExternalIdV1,
  })
  .partial()
  .openapi("MemoryUpdateV1", {
    description: "What is not given stays; null clears.",
    example: { text: "On 14 July 2003 Marta sold 4 boats to her cousin Pavel.", importance: 8 },
  });

export const MemoryRemovalV1 = z
  .object({ memories: z.number().int().openapi({ description: "Memories that would go.", example: 1 }) })
  .openapi("MemoryRemovalV1");

/** The envelope alone: each memory is parsed for itself, so that the faults of one do not refuse the others. */
export const MemoriesCreateV1 = z
  .strictObject({
    memories: z
      .array(z.unknown())
      .min(1)
      .max(MEMORIES_PER_CALL_MAX)
      .openapi({
        type: "array",
        items: { $ref: "#/components/schemas/MemoryInputV1" },
        minItems: 1,
        maxItems: MEMORIES_PER_CALL_MAX,
        example: [
          { text: "On 14 July 2003 Marta sold 3 boats to her cousin Pavel.", importance: 7, external_id: "17" },
          { text: "Pavel never learned to swim.", occurred_at: "2003-07-14T09:30:00Z" },
        ],
      }),
  })
  .openapi("MemoriesCreateV1");

const VERDICTS = { created: "created", updated: "updated", skipped: "skipped", refused: "refused" } as const satisfies {
  [K in MemoryVerdict["verdict"]]: K;
};

const MemoryVerdictV1 = z
  .object({
    index: z.number().int().openapi({ description: "Which of the memories sent, from 0.", example: 0 }),
    verdict: z.enum(VERDICTS).openapi({
      description: [
        "`updated`: its external_id was known, with other content. `skipped`: it was there already, equal; without an",
        "external_id that means equal in text, type, occurred_at and agent_id.",
      ].join(" "),
      example: "created",
    }),
    memory_id: z
      .string()
      .nullable()
      .openapi({ description: "Null for a refused one.", example: "memory_5d0c7b1e2f3a4b5c8d9e0f1a2b3c4d5e" }),
    problem: ProblemV1.omit({ trace_id: true })
      .nullable()
      .openapi({ description: "Why it was refused, else null.", example: null }),
  })
  .openapi("MemoryVerdictV1");

export const MemoryVerdictsV1 = z
  .object({ results: z.array(MemoryVerdictV1).openapi({ description: "One for each memory, in the order sent." }) })
  .openapi("MemoryVerdictsV1");

export const MemoryV1 = z
  .object({
    memory_id: z.string().openapi({ example: "memory_5d0c7b1e2f3a4b5c8d9e0f1a2b3c4d5e" }),
    collection_id: z.string().openapi({ example: "collection_0b7e4c1d9a5f4e6c8d2b3a1f0e9d8c7b" }),
    agent_id: AgentIdV1,
    text: TextV1,
    vector_text: VectorTextV1,
    type: MemoryTypeV1,
    importance: ImportanceV1,
    memo: MemoV1,
    metadata: MetadataV1,
    occurred_at: OccurredAtV1,
    created_at: TimestampV1,
    accessed_at: TimestampV1.nullable().openapi({ description: "When a recall last brought it up.", example: null }),
    access_count: z.number().int().openapi({ example: 0 }),
    child_memory_ids: ChildMemoryIdsV1,
    source: z
      .object({ memory_id: z.string(), task_id: z.string() })
      .nullable()
      .openapi({ description: "Of a re-voiced memory: what it was made of, and by which task.", example: null }),
    external_id: ExternalIdV1,
    deleted: z.boolean().openapi({ example: false }),
  })
  .openapi("MemoryV1");

/** What each memory of a call says, or why it is refused. Pointers lead from the root of the body. */
export function toMemoryContents(memories: readonly unknown[]): readonly Outcome<MemoryContent>[] {
  return memories.map((memory, index) => {
    const parsed = MemoryInputV1.safeParse(memory);
    if (parsed.success) return succeed(toMemoryContent(parsed.data));
    return fail(validationFailed(faultsOf(parsed.error, `/memories/${index}`)).value);
  });
}

function toMemoryContent(given: z.output<typeof MemoryInputV1>): MemoryContent {
  return {
    text: given.text,
    vectorText: given.vector_text ?? null,
    type: given.type ?? TYPES.observation,
    importance: given.importance ?? IMPORTANCE_DEFAULT,
    memo: given.memo ?? null,
    metadata: given.metadata ?? {},
    occurredAtMs: toMsOrNull(given.occurred_at),
    agentId: given.agent_id ?? null,
    childMemoryIds: given.child_memory_ids ?? [],
    externalId: given.external_id ?? null,
  };
}

export function toMemoryPatch(given: z.output<typeof MemoryUpdateV1>): MemoryPatch {
  return withoutUndefined({
    text: given.text,
    vectorText: given.vector_text,
    type: given.type,
    importance: given.importance,
    memo: given.memo,
    metadata: given.metadata,
    occurredAtMs: given.occurred_at === undefined ? undefined : toMsOrNull(given.occurred_at),
    agentId: given.agent_id,
    childMemoryIds: given.child_memory_ids,
    externalId: given.external_id,
  });
}

export function toMemoryVerdictsV1(verdicts: readonly MemoryVerdict[]): z.output<typeof MemoryVerdictsV1> {
  const results = verdicts.map((verdict, index) =>
    verdict.verdict === "refused"
      ? { index, verdict: VERDICTS.refused, memory_id: null, problem: problemMembers(verdict.error) }
      : { index, verdict: VERDICTS[verdict.verdict], memory_id: verdict.memoryId, problem: null },
  );
  return { results };
}

/** 201 when at least one memory is new. */
export function statusOfVerdicts(verdicts: readonly MemoryVerdict[]): 200 | 201 {
  return verdicts.some(({ verdict }) => verdict === "created") ? 201 : 200;
}

export function toMemoryV1(memory: Memory): z.output<typeof MemoryV1> {
  return {
    memory_id: memory.id,
    collection_id: memory.collectionId,
    agent_id: memory.agentId,
    text: memory.text,
    vector_text: memory.vectorText,
    type: TYPES[memory.type],
    importance: memory.importance,
    memo: memory.memo,
    metadata: memory.metadata,
    occurred_at: toTimestampOrNull(memory.occurredAtMs),
    created_at: toTimestamp(memory.createdAtMs),
    accessed_at: toTimestampOrNull(memory.accessedAtMs),
    access_count: memory.accessCount,
    child_memory_ids: [...memory.childMemoryIds],
    source: memory.source && { memory_id: memory.source.memoryId, task_id: memory.source.taskId },
    external_id: memory.externalId,
    deleted: memory.deletedAtMs !== null,
  };
}

export const MemoryFiltersV1 = {
  source_memory_id: z.string().optional().openapi({ description: "Only what was made of this memory." }),
  task_id: z.string().optional().openapi({ description: "Only what this task made." }),
  type: MemoryTypeV1.optional().openapi({ description: "Only memories of this type." }),
};

interface GivenMemoryFiltersV1 {
  source_memory_id?: string | undefined;
  task_id?: string | undefined;
  type?: z.output<typeof MemoryTypeV1> | undefined;
  include_deleted: boolean;
}

export function toMemoryFilters(query: GivenMemoryFiltersV1) {
  const { source_memory_id, task_id, type, include_deleted } = query;
  return {
    ...withoutUndefined({ sourceMemoryId: source_memory_id, taskId: task_id, type }),
    includeDeleted: include_deleted,
  };
}
