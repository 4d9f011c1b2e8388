import { z } from "@hono/zod-openapi";
import type { OnLineError, StoredFile } from "../../domain/tasks/operations";
import { NO_LABELS, type TaskInput } from "../../services/ports/task-input";

const ON_ERRORS = { stop: "stop", skip: "skip" } as const satisfies Record<OnLineError, OnLineError>;

export const ImportQueryV1 = z.strictObject({
  on_error: z.enum(ON_ERRORS).default("stop").openapi({
    description:
      "What a line that cannot be imported means: the end, with what comes before it kept; or the next line.",
    example: "skip",
  }),
});

/** The body of a file, for the document. */
export const NDJSON_EXAMPLE = [
  { text: "On 14 July 2003 Marta sold 3 boats to her cousin Pavel.", importance: 7, external_id: "17" },
  { text: "Pavel never learned to swim.", occurred_at: "2003-07-14T09:30:00Z" },
]
  .map((memory) => `${JSON.stringify(memory)}\n`)
  .join("");

export function toImportInput(
  { on_error: onLineError }: z.output<typeof ImportQueryV1>,
  file: StoredFile,
  path: Readonly<Record<string, string>>,
): TaskInput {
  const work = { operation: "import", collectionId: path["collection_id"] ?? "", file, onLineError } as const;
  return { labels: NO_LABELS, work };
}

export function toCollectionInput(
  operation: "export" | "analyze" | "rebuild",
  path: Readonly<Record<string, string>>,
): TaskInput {
  return { labels: NO_LABELS, work: { operation, collectionId: path["collection_id"] ?? "", pointer: null } };
}
