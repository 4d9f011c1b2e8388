import { z } from "@hono/zod-openapi";
import type { ItemVerdict } from "../../domain/tasks/task";
import {
  PREVIEW_MEMORIES_MAX,
  type PreviewedMemory,
  type ReVoicePreview,
} from "../../services/creation/preview-re-voicing";
import { FlagQueryV1, TimestampV1, toTimestampOrNull } from "./common.dto";
import { ItemProblemV1, ItemVerdictV1, toItemProblemV1 } from "./task.dto";

/** No examples: the docs page would send them with every trial. */
export const ReVoiceQueryV1 = z
  .strictObject({
    dry_run: FlagQueryV1.openapi({ description: "Make nothing: check the request, and show what would come." }),
    preview: z.coerce
      .number()
      .int()
      .min(0)
      .max(PREVIEW_MEMORIES_MAX)
      .optional()
      .openapi({ description: `With \`dry_run=true\`: how many memories to retell. Default ${PREVIEW_MEMORIES_MAX}.` }),
  })
  .refine(({ dry_run, preview }) => dry_run || preview === undefined, {
    path: ["preview"],
    error: "Only a dry run has a preview: send dry_run=true with it, or leave it out to start the task.",
  });

/** @returns how many memories a dry run is to show; undefined when the call is none. */
export function toPreviewCount({ dry_run, preview }: z.output<typeof ReVoiceQueryV1>): number | undefined {
  return dry_run ? (preview ?? PREVIEW_MEMORIES_MAX) : undefined;
}

const PreviewedMemoryV1 = z.object({
  source: z.object({
    memory_id: z.string().openapi({ example: "memory_0b1f6c2d7e3a8f4b9c5d1e6f2a7b3c8d" }),
    text: z.string().openapi({ example: "I fed 2 dogs in Lisbon." }),
    occurred_at: TimestampV1.nullable(),
  }),
  text: z.string().nullable().openapi({
    description: "As it would be told; null when the model has no text.",
    example: "Two dogs I fed, in Lisbon.",
  }),
  guard: z.object({
    verdict: ItemVerdictV1.openapi({ description: "What the item would say.", example: "re_voiced" }),
    problem: ItemProblemV1,
  }),
});

export const ReVoicePreviewV1 = z
  .object({
    memories: z.number().int().openapi({ description: "Memories that the task would retell.", example: 240 }),
    model_calls_max: z
      .number()
      .int()
      .openapi({ description: "Calls of the model, with one repair each; outages apart.", example: 480 }),
    preview: z.array(PreviewedMemoryV1).openapi({ description: "The first memories in time, retold now." }),
  })
  .openapi("ReVoicePreviewV1");

export function toReVoicePreviewV1({
  memories,
  modelCallsMax,
  preview,
}: ReVoicePreview): z.infer<typeof ReVoicePreviewV1> {
  return { memories, model_calls_max: modelCallsMax, preview: preview.map(toPreviewedMemoryV1) };
}

function toPreviewedMemoryV1({ source, text, verdict, problem }: PreviewedMemory) {
  const { memoryId, occurredAtMs } = source;
  return {
    source: { memory_id: memoryId, text: source.text, occurred_at: toTimestampOrNull(occurredAtMs) },
    text,
    guard: { verdict: verdict satisfies ItemVerdict, problem: toItemProblemV1(problem) },
  };
}
