import { createRoute, z } from "@hono/zod-openapi";
import { MEMORIES_PER_CALL_MAX, MEMORY_TEXT_MAX_CHARACTERS } from "../../domain/memories/memory";
import { HELD_IDS_MAX, RESERVATION_HOURS } from "../../domain/tasks/reservation";
import { PART_ATTEMPTS_MAX } from "../../domain/tasks/task";
import { ATTEMPTS_MAX, DELIVERY_DAYS, FORMER_SECRET_HOURS } from "../../domain/tasks/task-end";
import type { ApiRuntime } from "../../runtime/composition";
import { ANALYZE_DIRECT_MEMORIES_MAX } from "../../services/operations/collection-work/analyze";
import { CANCELED_PER_CALL_MAX } from "../../services/tasks/cancel-tasks";
import type { CallContext } from "../../services/context";
import { BULK_ITEMS_MAX, DEADLINE_MS } from "../../services/creation/create-task";
import { IMPORT_BYTES_MAX } from "../../services/creation/create-import";
import { CLEANED_PER_CALL_MAX } from "../../services/tasks/clean-tasks";
import { WATCHERS_PER_TASK_MAX } from "../../services/tasks/task-events";
import { WAIT_SECONDS_MAX } from "../../services/tasks/tasks";
import type { Api } from "../env";
import { BODY_BYTES_MAX, MEMORIES_BODY_BYTES_MAX } from "../middleware/json-body";
import { rateLimit } from "../middleware/rate-limit";
import { COMMON_PROBLEMS, json, problems, SECURED } from "../route";
import { NoQueryV1 } from "./common.dto";

const number = (description: string, example: number) => z.number().openapi({ description, example });

const optionalNumber = (description: string, example: number) =>
  z.number().nullable().openapi({ description, example });

const PoliciesV1 = z
  .object({
    retention_days: number("How long a requestId lives after the end of its task.", 90),
    tombstone_days: number("How long after that it answers 410, and never runs again.", 400),
    request_objects: z.string().openapi({
      description: "Where calls of one requestId meet: one object a request, or how many shared ones.",
      example: "per-request",
    }),
    model_provider: z
      .enum({ embedded: "embedded", "workers-ai": "workers-ai", "openai-compatible": "openai-compatible" })
      .openapi({ description: "What re-voices: rules of our own, or which kind of model.", example: "embedded" }),
    model_name: z.string().nullable().openapi({ description: "The model's name; null for the rules.", example: null }),
    model_timeout_seconds: number("How long one call of the model may take.", 60),
    model_calls_per_invocation: number("Calls of the model that one worker holds open.", 6),
    model_concurrency: number("Calls of the model that all workers hold open together, at most.", 16),
    model_requests_per_minute: optionalNumber("Calls of the model a minute; null: no limit of ours.", 500),
    model_tokens_per_minute: optionalNumber("Tokens of the model a minute; null: no limit of ours.", 200_000),
    embedder: z.string().nullable().openapi({
      description: "What finds what is of like meaning; null: equal words.",
      example: "embedded-glove-100d-20k",
    }),
    vector_index: z
      .enum({ d1: "d1", vectorize: "vectorize" })
      .nullable()
      .openapi({ description: "Where the vectors of memories lie; null where they have none.", example: null }),
    reservation_hours: number("After so long a reserved id ends that nobody has filled.", 24),
    held_ids_max: number("Open reservations, and cancels that came before their creation, in one namespace.", 1_000),
    rate_limit: z.enum(["on", "off"]).openapi({ example: "on" }),
    lease_seconds: number("How long a silent worker keeps its part.", 60),
    heartbeat_seconds: number("How often a working one says that it is alive.", 15),
    ring_seconds: number("After so long the service rings again for a task that nobody has taken up.", 10),
    sweep_seconds: z.number().nullable().openapi({
      description: "How often the service looks for tasks that nobody works on; null for never.",
      example: 15,
    }),
    part_seconds: number("After so long a part begins no new memory.", 5),
    parallel_parts: number("Parts of one task that run at once.", 4),
    part_attempts_max: number("Attempts in a row without a checkpoint, after which a part ends its task.", 8),
    wait_seconds_max: number("The longest `Prefer: wait`.", 30),
    webhook_attempts_max: number("Attempts to deliver one message of a webhook.", 10),
    webhook_delivery_days: number("How long the log of a webhook keeps a delivery.", 30),
    webhook_former_secret_hours: number("How long a secret signs after it was rotated.", 24),
    webhook_allow_hosts: z.array(z.string()).nullable().openapi({
      description: "Hosts inside of the network that webhooks may reach all the same; null unless the admin key asks.",
      example: [],
    }),
    doubt_seconds: number("So long after a creation was sent it may still land, where its answer is in doubt.", 30),
    bulk_items_max: number("Items of one bulk.", 100),
    creations_waiting_max: number("Creations that wait at one object; the next is answered 503 at once.", 5_000),
    canceled_per_call_max: number("Tasks that one call cancels.", 10_000),
    cleaned_per_call_max: number("Ended tasks that one call removes.", 500),
    watchers_per_task_max: number("Event streams of one task that are open together.", 500),
    body_bytes_max: number("The largest body.", 1_048_576),
    memories_body_bytes_max: number("The largest body of memories.", 8_388_608),
    import_bytes_max: number("The largest file of an import.", 104_857_600),
    analyze_memories_max: number("More memories are analyzed by a task alone.", 10_000),
    memories_per_call_max: number("Memories in one call.", 100),
    memory_text_characters_max: number("Characters of one memory.", 8_000),
  })
  .openapi("PoliciesV1");

const get = createRoute({
  method: "get",
  path: "/v1/policies",
  operationId: "policies-get",
  tags: ["service"],
  summary: "Retention and limits in force",
  security: SECURED,
  middleware: rateLimit,
  request: { query: NoQueryV1 },
  responses: { 200: json(PoliciesV1, "What is in force now."), ...problems(...COMMON_PROBLEMS, 422) },
});

export function policiesRoutes(app: Api): void {
  app.openapi(get, (c) => {
    return c.json(toPoliciesV1(c.get("call"), c.get("runtime")), 200);
  });
}

/** What no variable changes. */
const FIXED = {
  reservation_hours: RESERVATION_HOURS,
  held_ids_max: HELD_IDS_MAX,
  part_attempts_max: PART_ATTEMPTS_MAX,
  wait_seconds_max: WAIT_SECONDS_MAX,
  webhook_attempts_max: ATTEMPTS_MAX,
  webhook_delivery_days: DELIVERY_DAYS,
  webhook_former_secret_hours: FORMER_SECRET_HOURS,
  doubt_seconds: DEADLINE_MS / 1_000,
  bulk_items_max: BULK_ITEMS_MAX,
  canceled_per_call_max: CANCELED_PER_CALL_MAX,
  cleaned_per_call_max: CLEANED_PER_CALL_MAX,
  watchers_per_task_max: WATCHERS_PER_TASK_MAX,
  body_bytes_max: BODY_BYTES_MAX,
  memories_body_bytes_max: MEMORIES_BODY_BYTES_MAX,
  import_bytes_max: IMPORT_BYTES_MAX,
  analyze_memories_max: ANALYZE_DIRECT_MEMORIES_MAX,
  memories_per_call_max: MEMORIES_PER_CALL_MAX,
  memory_text_characters_max: MEMORY_TEXT_MAX_CHARACTERS,
};

function toPoliciesV1(
  {
    limits,
    dense,
    embedder,
    webhooks,
    admin,
  }: Pick<CallContext, "limits" | "dense" | "embedder" | "webhooks" | "admin">,
  runtime: Pick<ApiRuntime, "rateLimiter" | "requestObjects" | "creationsWaitingMax" | "model" | "gate">,
): z.infer<typeof PoliciesV1> {
  return {
    retention_days: limits.retentionDays,
    tombstone_days: limits.tombstoneDays,
    request_objects: String(runtime.requestObjects),
    model_provider: runtime.model.provider,
    model_name: runtime.model.name,
    model_timeout_seconds: limits.modelTimeoutSeconds,
    model_calls_per_invocation: limits.modelCallsPerInvocation,
    model_concurrency: runtime.gate.concurrency,
    model_requests_per_minute: runtime.gate.requestsPerMinute,
    model_tokens_per_minute: runtime.gate.tokensPerMinute,
    embedder: dense?.embedder.id ?? embedder?.id ?? null,
    vector_index: dense?.index.name ?? null,
    rate_limit: runtime.rateLimiter === null ? "off" : "on",
    lease_seconds: limits.leaseSeconds,
    heartbeat_seconds: limits.heartbeatSeconds,
    ring_seconds: limits.ringSeconds,
    sweep_seconds: limits.sweepSeconds,
    part_seconds: limits.partSeconds,
    parallel_parts: limits.parallelParts,
    webhook_allow_hosts: admin ? [...webhooks.allowHosts] : null,
    creations_waiting_max: runtime.creationsWaitingMax,
    ...FIXED,
  };
}
