import { z } from "@hono/zod-openapi";
import { MAX_MODEL_CALLS_MAX, MAX_TOKENS_MAX } from "../../domain/tasks/budget";
import type { OnItemError } from "../../domain/tasks/operations";
import type { Creation } from "../../services/creation/create-task";
import { BULK_ITEMS_MAX } from "../../services/creation/create-task";
import type { Outcome } from "../../services/errors/outcome";
import type { ReVoiceInput, TaskInput } from "../../services/ports/task-input";
import { problemMembers } from "../problem";
import { ProblemV1 } from "../route";
import { LinksV1, toLinksV1 } from "./task.dto";
import { toWebhookWish, WebhookWishV1 } from "./webhooks.dto";
import { MemorySettingsV1, MetadataV1, NAME_MAX_CHARACTERS, NameV1, toMemorySettings } from "./common.dto";

const INSTRUCTIONS_MAX_CHARACTERS = 4_000;
const MEMO_MAX_CHARACTERS = 2_000;
const TAGS_MAX = 20;
const TAG_MAX_CHARACTERS = 64;

const TARGET_EXAMPLE = { name: "Summers, as the captain tells them" };
/** What must be given, and a setting to show where they go. */
const RE_VOICE_EXAMPLE = {
  operation: "re-voice" as const,
  agent_id: "agent_6f1c8a523a3e4a529d0e2f6f1f0f7f11",
  collection_id: "collection_0b7e4c1d9a5f4e6c8d2b3a1f0e9d8c7b",
  target: TARGET_EXAMPLE,
  source_memory_settings: { max_memories: 5 },
  tags: ["demo"],
};

const ON_ITEM_ERRORS = { continue: "continue", fail: "fail" } as const satisfies Record<OnItemError, OnItemError>;

const TargetV1 = z
  .union([
    z.strictObject({ name: NameV1.openapi({ description: "Makes a new collection with this name." }) }),
    z.strictObject({
      collection_id: z.string().openapi({ description: "An existing collection, other than the source." }),
    }),
  ])
  .openapi("TargetV1", { example: TARGET_EXAMPLE });

const reVoiceFields = {
  target: TargetV1,
  source_memory_settings: MemorySettingsV1.optional(),
  agent_memory_settings: MemorySettingsV1.optional(),
  instructions: z.string().max(INSTRUCTIONS_MAX_CHARACTERS).nullable().optional().openapi({
    description: "What the generator should heed besides the voice. Rules cannot follow it.",
    example: null,
  }),
  on_item_error: z
    .enum(ON_ITEM_ERRORS)
    .optional()
    .openapi({ description: "What a failed memory means for the task. Default continue.", example: "continue" }),
  max_model_calls: z.number().int().min(1).max(MAX_MODEL_CALLS_MAX).optional().openapi({
    description:
      "Calls of the text generator that the task may begin, over all its runs; answered or not. When they are used up it ends as `error`, with the code `budget-exhausted`, and keeps what is done. Not counted are calls that were open at a crash. A memory takes one call or two.",
    example: 1_000,
  }),
  max_tokens: z.number().int().min(1).max(MAX_TOKENS_MAX).optional().openapi({
    description:
      "Tokens, in and out, after which no further call is begun. They are known when a call has ended: those that are open then may go beyond it. Else as `max_model_calls`.",
    example: 1_000_000,
  }),
};

const labels = {
  name: z.string().max(NAME_MAX_CHARACTERS).nullable().optional().openapi({ example: "spring re-voicing" }),
  memo: z.string().max(MEMO_MAX_CHARACTERS).nullable().optional().openapi({ example: null }),
  tags: z
    .array(z.string().min(1).max(TAG_MAX_CHARACTERS))
    .max(TAGS_MAX)
    .optional()
    .openapi({ example: ["demo"] }),
  metadata: MetadataV1.optional(),
  webhook: WebhookWishV1.nullable().optional(),
};

/** `PUT …/agents/{agent_id}/collections/{collection_id}/re-voice`: agent and source stand in the path. */
export const ReVoiceRequestV1 = z
  .strictObject(reVoiceFields)
  .openapi("ReVoiceRequestV1", { example: { target: TARGET_EXAMPLE } });

const ReVoiceBatchRequestV1 = z
  .strictObject({
    operation: z.literal("re-voice").openapi({ example: "re-voice" }),
    agent_id: z.string().openapi({ example: "agent_6f1c8a523a3e4a529d0e2f6f1f0f7f11" }),
    collection_id: z
      .string()
      .openapi({ description: "The source.", example: "collection_0b7e4c1d9a5f4e6c8d2b3a1f0e9d8c7b" }),
    ...reVoiceFields,
    ...labels,
  })
  .openapi("ReVoiceBatchRequestV1", { example: RE_VOICE_EXAMPLE });

/** Work on all memories of a collection. */
const wholeFields = <const O extends "export" | "analyze" | "rebuild">(operation: O) => ({
  operation: z.literal(operation).openapi({ example: operation }),
  collection_id: z.string().openapi({ example: "collection_0b7e4c1d9a5f4e6c8d2b3a1f0e9d8c7b" }),
  ...labels,
});

/** The fields of each operation's request. */
const FIELDS = {
  "re-voice": ReVoiceBatchRequestV1.shape,
  export: wholeFields("export"),
  analyze: wholeFields("analyze"),
  rebuild: wholeFields("rebuild"),
};

/** One kind of long work each. */
export const BatchRequestV1 = z
  .discriminatedUnion("operation", [
    ReVoiceBatchRequestV1,
    z.strictObject(FIELDS.export).openapi("ExportBatchRequestV1"),
    z.strictObject(FIELDS.analyze).openapi("AnalyzeBatchRequestV1"),
    z.strictObject(FIELDS.rebuild).openapi("RebuildBatchRequestV1"),
  ])
  .openapi("BatchRequestV1");

/** The same with a field more. Built from the fields: an extended strict object would be documented as an impossible `allOf`. */
function batchRequestWith<T extends z.ZodRawShape>(more: T) {
  return z.discriminatedUnion("operation", [
    z.strictObject({ ...FIELDS["re-voice"], ...more }),
    z.strictObject({ ...FIELDS.export, ...more }),
    z.strictObject({ ...FIELDS.analyze, ...more }),
    z.strictObject({ ...FIELDS.rebuild, ...more }),
  ]);
}

/** Up to 100 batch requests, each with an optional request id of its own. */
const BulkRequestV1 = z
  .strictObject({
    items: z
      .array(
        batchRequestWith({
          request_id: z.string().optional().openapi({ description: "A GUID of the item's own." }),
        }),
      )
      .min(1)
      .max(BULK_ITEMS_MAX),
  })
  .openapi("BulkRequestV1");

/** What `PUT /v1/batches/{id}` takes, for the document. */
export const BatchFillRequestV1 = batchRequestWith({
  put_key: z.string().optional().openapi({ description: "In place of the header `putKey`." }),
}).openapi("BatchFillRequestV1", { example: RE_VOICE_EXAMPLE });

/** What `PUT` and `POST /v1/batches` take, for the document; the door looks at each form itself. */
export const BatchesRequestV1 = z.union([BatchRequestV1, BulkRequestV1]).openapi("BatchesRequestV1");

export const BulkV1 = z
  .object({
    results: z.array(
      z.object({
        index: z.number().int().openapi({ example: 0 }),
        status: z.number().int().openapi({ description: "The status of a `PUT` of this item alone.", example: 201 }),
        replayed: z.boolean(),
        task_id: z.string().nullable().openapi({ example: "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e" }),
        links: LinksV1.nullable(),
        problem: z.union([ProblemV1.omit({ trace_id: true }), z.null()]).openapi({ example: null }),
      }),
    ),
  })
  .openapi("BulkV1");

export function toBulkV1(outcomes: readonly Outcome<Creation>[]): z.infer<typeof BulkV1> {
  return { results: outcomes.map((outcome, index) => ({ index, ...toBulkResultV1(outcome) })) };
}

function toBulkResultV1(outcome: Outcome<Creation>) {
  if (!outcome.ok) {
    const problem = problemMembers(outcome.error);
    return { status: problem.status, replayed: false, task_id: null, links: null, problem };
  }
  const { task, replayed } = outcome.value;
  const status = replayed ? 200 : 201;
  return { status, replayed, task_id: task.id, links: toLinksV1(task), problem: null };
}

export function toBatchInput(body: z.output<typeof BatchRequestV1>): TaskInput {
  if (body.operation === "re-voice") {
    const pointers = { agent: "/agent_id", source: "/collection_id" };
    return toReVoiceInput(body, { agentId: body.agent_id, collectionId: body.collection_id, pointers });
  }
  const { operation, collection_id: collectionId } = body;
  return {
    labels: toLabels(body),
    wish: toWebhookWish(body.webhook),
    work: { operation, collectionId, pointer: "/collection_id" },
  };
}

type GivenLabels = Partial<Pick<z.output<typeof BatchRequestV1>, keyof typeof labels>>;

function toLabels({ name = null, memo = null, tags = [], metadata = {} }: GivenLabels): TaskInput["labels"] {
  return { name, memo, tags, metadata };
}

export function toReVoiceInput(
  body: z.output<typeof ReVoiceRequestV1> & GivenLabels,
  ids: Pick<ReVoiceInput, "agentId" | "collectionId" | "pointers">,
): TaskInput {
  return {
    labels: toLabels(body),
    wish: toWebhookWish(body.webhook),
    work: {
      ...ids,
      operation: "re-voice",
      target: "name" in body.target ? body.target : { collectionId: body.target.collection_id },
      sourceMemorySettings: toMemorySettings(body.source_memory_settings ?? {}),
      agentMemorySettings: toMemorySettings(body.agent_memory_settings ?? {}),
      instructions: body.instructions ?? null,
      onItemError: body.on_item_error ?? "continue",
      budget: { maxModelCalls: body.max_model_calls ?? null, maxTokens: body.max_tokens ?? null },
    },
  };
}
