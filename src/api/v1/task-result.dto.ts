import { z } from "@hono/zod-openapi";
import type { Operation, Tallies, TaskResult } from "../../domain/tasks/operations";
import { AnalysisV1, toAnalysisV1 } from "./analysis.dto";

const count = (description: string, example: number) => z.number().int().openapi({ description, example });
const collection_id = z.string().openapi({ example: "collection_7c4f0f0d6f2b8d1f9a3f5a3c2b1d0e9f" });

const ReVoiceResultV1 = z
  .object({
    collection_id,
    re_voiced: count("Memories written, flagged ones among them.", 419),
    flagged: count("Of these, marked by the fact guard.", 2),
    skipped: count("Deleted after the task began.", 0),
    failed: count("Not re-voiced.", 0),
  })
  .openapi("ReVoiceResultV1");

const ExportResultV1 = z
  .object({
    collection_id,
    memories: count("Memories in the file.", 419),
    bytes: count("How large the file is.", 230_450),
  })
  .openapi("ExportResultV1");

const ImportResultV1 = z
  .object({
    collection_id,
    created: count("Memories that are new.", 400),
    updated: count("Had a known external_id and other content.", 3),
    skipped: count("Were there already.", 16),
    refused: count("Lines that were refused.", 0),
    errors: z
      .array(z.object({ line: count("From 1.", 17), detail: z.string().openapi({ example: "text: required." }) }))
      .openapi({ description: "Why: the first 100." }),
  })
  .openapi("ImportResultV1");

const RebuildResultV1 = z
  .object({ collection_id, memories: count("Memories that were indexed again.", 419) })
  .openapi("RebuildResultV1");

const VIEWS = {
  "re-voice": ReVoiceResultV1,
  export: ExportResultV1,
  import: ImportResultV1,
  analyze: AnalysisV1,
  rebuild: RebuildResultV1,
} satisfies Record<Operation, z.ZodType>;

/** What a task has to tell: of what form, its operation says. */
export const ResultV1 = z.union([VIEWS["re-voice"], VIEWS.import, VIEWS.analyze, VIEWS.export, VIEWS.rebuild]);

type View<O extends Operation> = z.infer<(typeof VIEWS)[O]>;

const TO_VIEW: { readonly [O in Operation]: (tally: Tallies[O]) => View<O> } = {
  "re-voice": ({ collectionId, reVoiced, ...tally }) => {
    const { flagged, skipped, failed } = tally;
    return { collection_id: collectionId, re_voiced: reVoiced, flagged, skipped, failed };
  },
  export: ({ collectionId, memories, bytes }) => ({ collection_id: collectionId, memories, bytes }),
  import: ({ collectionId, created, updated, skipped, refused, errors }) => ({
    collection_id: collectionId,
    created,
    updated,
    skipped,
    refused,
    errors: errors.map(({ line, detail }) => ({ line, detail })),
  }),
  analyze: ({ collectionId, figures }) => toAnalysisV1(collectionId, figures),
  rebuild: ({ collectionId, memories }) => ({ collection_id: collectionId, memories }),
};

export function toResultV1(result: TaskResult): z.infer<typeof ResultV1> {
  return viewOf(result.operation, result);
}

function viewOf<O extends Operation>(operation: O, tally: Tallies[O]): View<O> {
  return TO_VIEW[operation](tally);
}
