import { z } from "zod";

import { DemoFault } from "./demo-fault.ts";

/** The API's limit on one text, in UTF-16 code units. */
const TEXT_LENGTH_MAX = 8_000;

/** A memory as `PUT /v1/collections/{id}/memories` takes it. */
export interface MemoryBody {
  readonly text: string;
  readonly external_id: string;
  readonly occurred_at?: string;
  readonly importance?: number;
  readonly type?: "observation" | "integration";
  readonly memo?: string;
  readonly vector_text?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

const text = z
  .string("text must be a string")
  .refine((value) => value.trim() !== "", "text is empty")
  .refine((value) => value.isWellFormed(), "text holds half of a surrogate pair, which is no character")
  .max(TEXT_LENGTH_MAX, {
    error: (issue) =>
      `text has ${typeof issue.input === "string" ? issue.input.length.toLocaleString("en") : "too many"} characters,` +
      ` and ${TEXT_LENGTH_MAX.toLocaleString("en")} is the most`,
  });
const note = (name: string) => z.string(`${name} must be a string`).nullish();

const InputMemory = z.object({
  text,
  external_id: note("external_id"),
  occurred_at: z.iso
    .datetime({ offset: true, error: "occurred_at must be a time such as 2024-05-08T13:56:00Z" })
    .nullish(),
  importance: z
    .int("importance must be a whole number from 1 to 10")
    .min(1, "importance must be a whole number from 1 to 10")
    .max(10, "importance must be a whole number from 1 to 10")
    .nullish(),
  type: z.enum(["observation", "integration"], 'type must be "observation" or "integration"').nullish(),
  memo: note("memo"),
  vector_text: note("vector_text"),
  metadata: z.record(z.string(), z.unknown(), "metadata must be an object").nullish(),
});

export const MEMORY_FIELDS: ReadonlySet<string> = new Set(Object.keys(InputMemory.shape));

/**
 * Checks one memory of a file before any service is started.
 *
 * @param where how a reader finds it, such as "notes.txt, line 12": begins the sentence of a fault.
 * @param idWhenAbsent its external_id when it has none: equal texts at two places stay two memories.
 * @throws DemoFault with one sentence.
 */
export function parseMemory(value: unknown, where: string, idWhenAbsent: string): MemoryBody {
  const parsed = InputMemory.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    // Only the object itself has an issue without a path; its fields bring sentences of their own.
    const sentence =
      issue === undefined || issue.path.length === 0 ? "a memory must be an object with a text" : issue.message;
    throw new DemoFault(`${where}: ${sentence}.`);
  }
  const { external_id, occurred_at, ...rest } = parsed.data;
  return {
    text: rest.text,
    external_id: external_id ?? idWhenAbsent,
    ...(occurred_at ? { occurred_at: new Date(occurred_at).toISOString() } : {}),
    ...(rest.importance ? { importance: rest.importance } : {}),
    ...(rest.type ? { type: rest.type } : {}),
    ...(rest.memo ? { memo: rest.memo } : {}),
    ...(rest.vector_text ? { vector_text: rest.vector_text } : {}),
    ...(rest.metadata ? { metadata: rest.metadata } : {}),
  };
}
