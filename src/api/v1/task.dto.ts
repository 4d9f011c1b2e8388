import { z } from "@hono/zod-openapi";
import type { ItemProblem, ItemVerdict, Task, TaskItem, TaskStatus, TaskType } from "../../domain/tasks/task";
import type { Operation } from "../../domain/tasks/operations";
import { paceOf } from "../../domain/tasks/task-pace";
import { ResultV1, toResultV1 } from "./task-result.dto";
import { ProgressV1, toProgressV1 } from "./progress.dto";
import { toTimestamp, toTimestampOrNull, TimestampV1 } from "./common.dto";
import { TaskWebhookV1, toTaskWebhookV1 } from "./webhooks.dto";

const count = (description: string, example: number) => z.number().int().openapi({ description, example });

/*
 * The words of the wire, and what each is inside. A new one inside does not compile until somebody says here what a
 * client of this version sees.
 */
const STATUSES = {
  unbound: "unbound",
  created: "created",
  running: "running",
  retry: "retry",
  complete: "complete",
  canceled: "canceled",
  error: "error",
} as const satisfies Record<TaskStatus, TaskStatus>;
const TYPES = { batch: "batch", interactive: "interactive" } as const satisfies Record<TaskType, TaskType>;
const OPERATIONS = {
  "re-voice": "re-voice",
  export: "export",
  import: "import",
  analyze: "analyze",
  rebuild: "rebuild",
} as const satisfies Record<Operation, Operation>;
const VERDICTS = {
  re_voiced: "re_voiced",
  flagged: "flagged",
  skipped: "skipped",
  failed: "failed",
} as const satisfies Record<ItemVerdict, ItemVerdict>;

export const TaskTypeV1 = z.enum(TYPES);
export const OperationV1 = z.enum(OPERATIONS);
export const ItemVerdictV1 = z.enum(VERDICTS);
export const TaskStatusV1 = z.enum(STATUSES).openapi("TaskStatusV1", { example: "complete" });

const UsageV1 = z.object({
  model_calls: count("Calls of the text generator.", 419),
  input_tokens: count("As the provider counts them.", 0),
  output_tokens: count("As the provider counts them.", 0),
});

const TASK_ID_EXAMPLE = "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e";

const link = (path = "") => z.string().openapi({ example: `/v1/checkmate/tasks/${TASK_ID_EXAMPLE}${path}` });
export const LinksV1 = z.object({
  self: link(),
  status: link("/status"),
  items: link("/items"),
  events: link("/events"),
  cancel: link("/cancel"),
  file: link("/file").optional().openapi({ description: "Of an export: its file, once it is complete." }),
});

export const TaskErrorV1 = z
  .object({ code: z.string(), detail: z.string() })
  .nullable()
  .openapi({ description: "Why the task ended as `error`, else null.", example: null });

const taskFields = {
  type: TaskTypeV1,
  operation: z
    .union([OperationV1, z.null()])
    .openapi({ description: "Null while nobody has filled a reserved id.", example: "re-voice" }),
  name: z.string().nullable().openapi({ example: "spring re-voicing" }),
  status: TaskStatusV1,
  request_id: z.string().openapi({ example: "5a1f7c1e-8f5e-4a5f-9f43-0c9f6ff0b7d1" }),
  progress: ProgressV1,
  usage: UsageV1,
  attempts: count("Times the run was begun, or begun again after a failure.", 1),
  result: ResultV1.nullable().openapi({ description: "What came of it, or has come so far." }),
  error: TaskErrorV1,
  key_id: z
    .string()
    .openapi({ description: "The key that started it.", example: "key_9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a" }),
  tags: z.array(z.string()).openapi({ example: ["demo"] }),
  memo: z.string().nullable().openapi({ example: null }),
  metadata: z.record(z.string(), z.unknown()).openapi({ type: "object", example: {} }),
  webhook: TaskWebhookV1,
  created_at: TimestampV1,
  started_at: TimestampV1.nullable(),
  updated_at: TimestampV1,
  ended_at: TimestampV1.nullable(),
  links: LinksV1,
};

export const TaskV1 = z
  .object({ task_id: z.string().openapi({ example: TASK_ID_EXAMPLE }), ...taskFields })
  .openapi("TaskV1");

/** Livy's words for the states of a batch. */
export const BATCH_STATES = ["not_started", "starting", "running", "success", "killed", "dead"] as const;
export type BatchStateV1 = (typeof BATCH_STATES)[number];

const BATCH_STATE_OF = {
  unbound: "not_started",
  created: "starting",
  running: "running",
  retry: "running",
  complete: "success",
  canceled: "killed",
  error: "dead",
} satisfies Record<Task["status"], BatchStateV1>;

export const BatchV1 = z
  .object({
    id: z.string().openapi({ description: "The same as task_id.", example: TASK_ID_EXAMPLE }),
    state: z.enum(BATCH_STATES).openapi({ description: "The status in Livy's words.", example: "success" }),
    task_id: z.string().openapi({ example: TASK_ID_EXAMPLE }),
    ...taskFields,
  })
  .openapi("BatchV1");

export const BatchStateViewV1 = z
  .object({
    id: z.string().openapi({ example: TASK_ID_EXAMPLE }),
    state: z.enum(BATCH_STATES).openapi({ example: "success" }),
  })
  .openapi("BatchStateV1");

export const BatchRemovalV1 = z
  .object({
    batches: count("Batches that would go.", 1),
    items: count("Verdicts of memories that would go with it.", 419),
  })
  .openapi("BatchRemovalV1");

export const NewTaskResponseV1 = z
  .object({ task_id: z.string().openapi({ example: TASK_ID_EXAMPLE }), status: TaskStatusV1, links: LinksV1 })
  .openapi("NewTaskResponseV1");

export const TaskStatusViewV1 = z
  .object({
    task_id: z.string().openapi({ example: TASK_ID_EXAMPLE }),
    status: TaskStatusV1,
    progress: ProgressV1,
    error: TaskErrorV1,
    updated_at: TimestampV1,
    ended_at: TimestampV1.nullable(),
  })
  .openapi("TaskStatusViewV1");

export const ItemProblemV1 = z
  .object({
    code: z.string(),
    detail: z.string(),
    missing: z.array(z.string()).optional().openapi({ description: "Facts of the source that the text lost." }),
    added: z.array(z.string()).optional().openapi({ description: "Facts that the text added." }),
  })
  .nullable()
  .openapi({ description: "What is wrong with it, else null.", example: null });

export const TaskItemV1 = z
  .object({
    position: count("Where it stands in the work, from 0.", 0),
    verdict: z.enum({ pending: "pending", ...VERDICTS }),
    source_memory_id: z.string().openapi({ example: "memory_5d0c7b1e2f3a4b5c8d9e0f1a2b3c4d5e" }),
    memory_id: z.string().nullable().openapi({
      description: "The re-voiced memory, where there is one.",
      example: "memory_0b1f6c2d7e3a8f4b9c5d1e6f2a7b3c8d",
    }),
    problem: ItemProblemV1,
    ended_at: TimestampV1.nullable(),
  })
  .openapi("TaskItemV1");

export function toLinksV1({ id, operation }: Pick<Task, "id" | "operation">): z.infer<typeof LinksV1> {
  const self = `/v1/checkmate/tasks/${id}`;
  const file = operation === "export" && { file: `${self}/file` };
  return {
    self,
    status: `${self}/status`,
    items: `${self}/items`,
    events: `${self}/events`,
    cancel: `${self}/cancel`,
    ...file,
  };
}

export function toTaskV1(task: Task): z.infer<typeof TaskV1> {
  const { usage, result } = task;
  return {
    task_id: task.id,
    type: task.type,
    operation: task.operation,
    name: task.name,
    status: task.status,
    request_id: task.requestId,
    progress: toProgressV1(task.progress, paceOf({ ...task, atMs: task.endedAtMs ?? task.updatedAtMs })),
    usage: { model_calls: usage.modelCalls, input_tokens: usage.inputTokens, output_tokens: usage.outputTokens },
    attempts: task.attempts,
    result: result && toResultV1(result),
    error: task.error,
    key_id: task.keyId,
    tags: [...task.tags],
    memo: task.memo,
    metadata: { ...task.metadata },
    webhook: toTaskWebhookV1(task.webhook),
    created_at: toTimestamp(task.createdAtMs),
    started_at: toTimestampOrNull(task.startedAtMs),
    updated_at: toTimestamp(task.updatedAtMs),
    ended_at: toTimestampOrNull(task.endedAtMs),
    links: toLinksV1(task),
  };
}

export function toBatchV1(task: Task): z.infer<typeof BatchV1> {
  return { id: task.id, state: BATCH_STATE_OF[task.status], ...toTaskV1(task) };
}

export function toBatchStateV1(task: Task): z.infer<typeof BatchStateViewV1> {
  return { id: task.id, state: BATCH_STATE_OF[task.status] };
}

export function toBatchRemovalV1(task: Task): z.infer<typeof BatchRemovalV1> {
  return { batches: 1, items: task.progress.total ?? 0 };
}

/** The statuses behind a state of Livy's. */
export function statusesOfBatchState(state: BatchStateV1): readonly Task["status"][] {
  return Object.values(STATUSES).filter((status) => BATCH_STATE_OF[status] === state);
}

export function toNewTaskResponseV1(task: Task): z.infer<typeof NewTaskResponseV1> {
  return { task_id: task.id, status: task.status, links: toLinksV1(task) };
}

export function toTaskStatusV1(task: Task): z.infer<typeof TaskStatusViewV1> {
  const { task_id, status, progress, error, updated_at, ended_at } = toTaskV1(task);
  return { task_id, status, progress, error, updated_at, ended_at };
}

export function toTaskItemV1(item: TaskItem): z.infer<typeof TaskItemV1> {
  return {
    position: item.position,
    verdict: item.verdict ?? "pending",
    source_memory_id: item.sourceMemoryId,
    memory_id: item.resultMemoryId,
    problem: toItemProblemV1(item.problem),
    ended_at: toTimestampOrNull(item.endedAtMs),
  };
}

export function toItemProblemV1(problem: ItemProblem | null): z.infer<typeof ItemProblemV1> {
  if (problem === null) return null;
  const { missing, added, ...said } = problem;
  return { ...said, ...(missing && { missing: [...missing] }), ...(added && { added: [...added] }) };
}
