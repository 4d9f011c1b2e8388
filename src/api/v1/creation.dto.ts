import { z } from "@hono/zod-openapi";

/**
 * The header is read by the creation door, which knows its alias too; so the validator lets it be absent, and the
 * document says whether it is required.
 */
export const requestIdHeaderV1 = (required: boolean) =>
  z
    .string()
    .optional()
    .openapi({
      param: { name: "requestId", in: "header", required },
      description:
        "A GUID (RFC 9562) that you make; the same one whenever you try again. `Idempotency-Key` is an alias for it.",
      example: "5a1f7c1e-8f5e-4a5f-9f43-0c9f6ff0b7d1",
    });

export const preferHeaderV1 = z
  .string()
  .optional()
  .openapi({
    param: { name: "Prefer", in: "header" },
    description: "`wait=N`: wait up to N seconds (30 at most) for the end of the task.",
    example: "wait=10",
  });

const header = (description: string, example: string) => ({
  description,
  schema: { type: "string" as const, example },
});

export const replayHeaders = {
  "Idempotent-Replayed": header("`true` when an earlier call made the task.", "true"),
};

export const creationHeaders = {
  "Idempotent-Replayed": header("`true` when an earlier call made the task.", "false"),
  Location: header("Where the task can be read.", "/v1/batches/task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e"),
};

export const ifMatchHeaderV1 = z
  .string()
  .optional()
  .openapi({
    param: { name: "If-Match", in: "header" },
    description: "The ETag of the task as you read it: it counts the runs.",
    example: '"1"',
  });
