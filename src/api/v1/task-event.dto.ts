import { z } from "@hono/zod-openapi";
import type { TaskEvent, TaskEventItem, TaskEventKind } from "../../domain/tasks/task-event";
import type { WatchRecord } from "../../services/ports/task-watchers";
import { HEARTBEAT, serverSentEvent } from "../event-stream";
import { toTimestamp, TimestampV1 } from "./common.dto";
import { ProgressV1, toProgressV1 } from "./progress.dto";
import { ItemVerdictV1, TaskStatusV1, toTaskV1 } from "./task.dto";

const KINDS = {
  status: "status",
  progress: "progress",
  item: "item",
  end: "end",
} as const satisfies Record<TaskEventKind, TaskEventKind>;

const TASK_ID_EXAMPLE = "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e";

const EventItemV1 = z.object({
  position: z.number().int().openapi({ description: "Where it stands in the work, from 0.", example: 17 }),
  verdict: ItemVerdictV1,
  source_memory_id: z.string().openapi({ example: "memory_5d0c7b1e2f3a4b5c8d9e0f1a2b3c4d5e" }),
  memory_id: z.string().nullable().openapi({ description: "The re-voiced memory, where there is one.", example: null }),
  code: z.string().nullable().openapi({ description: "Of its problem.", example: "facts-lost" }),
});

export const TaskEventV1 = z
  .object({
    sequence: z.number().int().openapi({ description: "1, 2, 3 and so on, without a gap.", example: 2 }),
    type: z.enum(KINDS).openapi({
      description:
        "`status`: it changed. `progress`: a checkpoint. `item`: a memory that was flagged, skipped or failed. `end`: the status is an end.",
      example: "status",
    }),
    task_id: z.string().openapi({ example: TASK_ID_EXAMPLE }),
    run: z.number().int().openapi({ description: "1, and one more with each invoke.", example: 1 }),
    status: TaskStatusV1,
    progress: ProgressV1,
    item: EventItemV1.optional().openapi({ description: "Of an `item`." }),
    at: TimestampV1,
  })
  .openapi("TaskEventV1");

export const TaskLogV1 = z
  .object({
    id: z.string().openapi({ example: TASK_ID_EXAMPLE }),
    from: z.number().int().openapi({ description: "The index of the first line.", example: 0 }),
    total: z.number().int().openapi({ description: "How many lines there are by now.", example: 12 }),
    lines: z
      .array(z.string())
      .openapi({ description: "For people.", example: ["2026-03-01T12:00:00.000Z created: waiting"] }),
  })
  .openapi("TaskLogV1");

export function toTaskEventV1(event: TaskEvent): z.infer<typeof TaskEventV1> {
  const { sequence, kind, taskId, run, status, progress, pace, item, atMs } = event;
  return {
    sequence,
    type: KINDS[kind],
    task_id: taskId,
    run,
    status,
    progress: toProgressV1(progress, pace),
    ...(item && { item: toItem(item) }),
    at: toTimestamp(atMs),
  };
}

function toItem({ position, verdict, sourceMemoryId, resultMemoryId, code }: TaskEventItem) {
  return { position, verdict, source_memory_id: sourceMemoryId, memory_id: resultMemoryId, code };
}

/** What a stream of server-sent events says of these. */
export function toEventStreamV1(records: readonly WatchRecord[]): string {
  return records.map(toStreamPart).join("");
}

function toStreamPart(record: WatchRecord): string {
  if (record.kind === "beat") return HEARTBEAT;
  // Without an id: a client that is cut off before the first event has no cursor, and must get them all.
  if (record.kind === "snapshot") return serverSentEvent({ type: "snapshot", data: toTaskV1(record.task) });
  const data = toTaskEventV1(record.event);
  return serverSentEvent({ id: data.sequence, type: data.type, data });
}

export function toTaskLogV1(
  id: string,
  from: number,
  log: { readonly events: readonly TaskEvent[]; readonly total: number },
): z.infer<typeof TaskLogV1> {
  return { id, from, total: log.total, lines: log.events.map(toLine) };
}

/** A line for people: when, what, and how far it is. */
function toLine(event: TaskEvent): string {
  const at = toTimestamp(event.atMs);
  if (event.item !== null) {
    const { position, verdict, sourceMemoryId, code } = event.item;
    return `${at} item ${position} ${verdict}: ${sourceMemoryId}${code === null ? "" : ` (${code})`}`;
  }
  const run = event.run > 1 ? ` in run ${event.run}` : "";
  return `${at} ${event.status}${run}: ${[event.pace.stage, ...countsOf(event)].join(", ")}`;
}

function countsOf({ progress: { done, failed, total }, pace: { rate, etaSeconds } }: TaskEvent): readonly string[] {
  const of = total === null ? "" : ` of ${total}`;
  return [
    ...(total === null && done === 0 ? [] : [`${done}${of} done`]),
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(rate === null ? [] : [`${rate} a second`]),
    ...(etaSeconds === null ? [] : [`about ${etaSeconds} s left`]),
  ];
}
