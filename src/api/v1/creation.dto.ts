import { z } from "@hono/zod-openapi";
import type { Reservation } from "../../services/creation/reservations";
import { TimestampV1, toTimestamp } from "./common.dto";

const PUT_KEY_EXAMPLE = "1.3f6c1d0e9b8a7f5e4d3c2b1a09f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6";

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

export const preferAsyncHeaderV1 = z
  .string()
  .optional()
  .openapi({
    param: { name: "Prefer", in: "header" },
    description: "`respond-async`: start a task, and answer with it. `wait=N` besides: wait for its end.",
    example: "respond-async",
  });

export const putKeyHeaderV1 = z
  .string()
  .optional()
  .openapi({
    param: { name: "putKey", in: "header" },
    description: "The put key that came with the reserved id. It may stand in the body as `put_key` instead.",
    example: PUT_KEY_EXAMPLE,
  });

export const ReservationV1 = z
  .object({
    id: z.string().openapi({ example: "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e" }),
    put_key: z
      .string()
      .openapi({ description: "Keep it secret: who has it may fill the id.", example: PUT_KEY_EXAMPLE }),
    expires_at: TimestampV1,
  })
  .openapi("ReservationV1");

export function toReservationV1({ taskId, putKey, expiresAtMs }: Reservation): z.infer<typeof ReservationV1> {
  return { id: taskId, put_key: putKey, expires_at: toTimestamp(expiresAtMs) };
}

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
