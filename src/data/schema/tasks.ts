import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Metadata } from "../../domain/metadata";
import { ITEM_VERDICTS, type ItemProblem, TASK_STATUSES, TASK_TYPES, type TaskError } from "../../domain/tasks/task";
import {
  type Operation,
  OPERATIONS,
  type Tallies,
  type TaskCommand,
  type TaskCursor,
} from "../../domain/tasks/operations";
import { STORED_EVENT_KINDS, type TaskEventItem } from "../../domain/tasks/task-event";
import type { TaskWebhook } from "../../domain/tasks/task-end";

export const tasks = sqliteTable(
  "tasks",
  {
    id: text().primaryKey(),
    namespaceId: text("namespace_id").notNull(),
    requestId: text("request_id").notNull(),
    keyId: text("key_id").notNull(),
    type: text({ enum: TASK_TYPES }).notNull(),
    /** Null, as the command is, while nobody has filled the reservation of this id. */
    operation: text({ enum: OPERATIONS }),
    status: text({ enum: TASK_STATUSES }).notNull(),
    name: text(),
    tags: text({ mode: "json" }).$type<readonly string[]>().notNull(),
    memo: text(),
    metadata: text({ mode: "json" }).$type<Metadata>().notNull(),
    /** The resolved command, frozen at creation. */
    command: text({ mode: "json" }).$type<TaskCommand>(),
    /** 1 at creation; an invoke opens the next. */
    run: integer().notNull(),
    attempts: integer().notNull(),
    /** Counts cancels, also of a task that has ended: an invoke that was under way before one finds it changed. */
    revision: integer().notNull().default(1),
    total: integer(),
    plannedAtMs: integer("planned_at_ms"),
    result: text({ mode: "json" }).$type<Tallies[Operation]>(),
    error: text({ mode: "json" }).$type<TaskError>(),
    createdAtMs: integer("created_at_ms").notNull(),
    startedAtMs: integer("started_at_ms"),
    updatedAtMs: integer("updated_at_ms").notNull(),
    endedAtMs: integer("ended_at_ms"),
    /** While it is open: when the sweeper rings for it, or, for a reservation that nobody has filled, ends it. */
    ringAtMs: integer("ring_at_ms").notNull(),
    /** How often the sweeper has rung since somebody last took a part: each time it waits twice as long. */
    rings: integer().notNull().default(0),
    /** Who wants to hear of its end. */
    webhook: text({ mode: "json" }).$type<TaskWebhook>(),
    /** While somebody watches its events: whoever changes the task tells the object of its watchers. */
    watchedUntilMs: integer("watched_until_ms"),
    /** When its run began to work, and how many of its items had an end by then: what its rate is reckoned from. */
    runStartedAtMs: integer("run_started_at_ms"),
    runBase: integer("run_base").notNull().default(0),
  },
  (t) => [
    // The id is derived from (namespace, request id), so the primary key is the fence for that pair too.
    index("tasks_list").on(t.namespaceId, t.createdAtMs, t.id),
    index("tasks_ring")
      .on(t.ringAtMs, t.id)
      .where(sql`ended_at_ms IS NULL`),
    // Of reservations alone, so that the sweeper finds those that are over however many tasks are due.
    index("tasks_reserved")
      .on(t.ringAtMs, t.id)
      .where(sql`status = 'unbound'`),
    // No creation touches it: an entry comes with the end of a task, and goes with its removal.
    index("tasks_ended")
      .on(t.namespaceId, t.endedAtMs)
      .where(sql`ended_at_ms IS NOT NULL`),
    // The same for the sweeper, which looks through all namespaces.
    index("tasks_retained")
      .on(t.endedAtMs, t.id)
      .where(sql`ended_at_ms IS NOT NULL`),
  ],
);

/** A run of a task in bounded pieces, each under a lease of its own. WITHOUT ROWID in the migration. */
export const taskParts = sqliteTable(
  "task_parts",
  {
    taskId: text("task_id").notNull(),
    part: integer().notNull(),
    /** The items of the part: positions from first to below end. */
    firstPosition: integer("first_position").notNull(),
    endPosition: integer("end_position").notNull(),
    namespaceId: text("namespace_id").notNull(),
    status: text({ enum: ["open", "done"] }).notNull(),
    leaseToken: text("lease_token"),
    leaseExpiresAtMs: integer("lease_expires_at_ms"),
    /** Runs in a row that ended without a checkpoint. */
    attempts: integer().notNull(),
    notBeforeMs: integer("not_before_ms").notNull(),
    lastError: text("last_error"),
    // Counted from the part's items at each checkpoint, never added up.
    reVoiced: integer("re_voiced").notNull(),
    flagged: integer().notNull(),
    skipped: integer().notNull(),
    failed: integer().notNull(),
    modelCalls: integer("model_calls").notNull(),
    inputTokens: integer("input_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    updatedAtMs: integer("updated_at_ms").notNull(),
    /** Of work that is no list of items: how far it has come. Null for one that is. */
    cursor: text({ mode: "json" }).$type<TaskCursor>(),
    /** What such work has done; `failed` counts for it too. */
    done: integer().notNull().default(0),
    // What calls used up that are no item's: answered without a text to keep, or made to see whether the model answers.
    extraModelCalls: integer("extra_model_calls").notNull().default(0),
    extraInputTokens: integer("extra_input_tokens").notNull().default(0),
    extraOutputTokens: integer("extra_output_tokens").notNull().default(0),
    /** Calls that the model did not answer. The budget counts them, the usage does not. */
    unansweredCalls: integer("unanswered_calls").notNull().default(0),
    /** With a budget: what the calls of the part may come to under its lease. It binds nobody once that has lapsed. */
    callsLimit: integer("calls_limit"),
  },
  (t) => [
    primaryKey({ columns: [t.taskId, t.part] }),
    index("task_parts_open")
      .on(t.taskId, t.part)
      .where(sql`status = 'open'`),
  ],
);

/** One source memory of a task, fixed when the task was planned. WITHOUT ROWID in the migration. */
export const taskItems = sqliteTable(
  "task_items",
  {
    taskId: text("task_id").notNull(),
    position: integer().notNull(),
    namespaceId: text("namespace_id").notNull(),
    sourceMemoryId: text("source_memory_id").notNull(),
    /** Null while it is still to be done. */
    verdict: text({ enum: ITEM_VERDICTS }),
    resultMemoryId: text("result_memory_id"),
    /** { code, detail, missing?, added? } of a flagged, skipped or failed item. */
    problem: text({ mode: "json" }).$type<ItemProblem>(),
    modelCalls: integer("model_calls").notNull(),
    inputTokens: integer("input_tokens").notNull(),
    outputTokens: integer("output_tokens").notNull(),
    endedAtMs: integer("ended_at_ms"),
    /** Turns in which the model did not answer for it: what was not answered is asked last. */
    unanswered: integer().notNull().default(0),
    /** Those of them after which the model answered another call. */
    strikes: integer().notNull().default(0),
  },
  (t) => [
    primaryKey({ columns: [t.taskId, t.position] }),
    // Whether a linked memory is an item too.
    index("task_items_source").on(t.taskId, t.sourceMemoryId),
  ],
);

/**
 * What happened to a task, in the order of `sequence`, written by triggers in the transaction of the change: no change of
 * a status, and no checkpoint, goes without. The birth is number 1 and has no row: it is told from the task's own. WITHOUT
 * ROWID in the migration.
 */
export const taskEvents = sqliteTable(
  "task_events",
  {
    taskId: text("task_id").notNull(),
    /** From 2, without a gap. */
    sequence: integer().notNull(),
    namespaceId: text("namespace_id").notNull(),
    kind: text({ enum: STORED_EVENT_KINDS }).notNull(),
    run: integer().notNull(),
    /** Of the task, after the event. */
    status: text({ enum: TASK_STATUSES }).notNull(),
    /** Of the task, before it; null where the status did not change. */
    previousStatus: text("previous_status", { enum: TASK_STATUSES }),
    // The progress after the event; that of an item is counted by the checkpoint which follows it.
    done: integer().notNull(),
    failed: integer().notNull(),
    total: integer(),
    /** Of an item that was not simply re-voiced. */
    item: text({ mode: "json" }).$type<TaskEventItem>(),
    atMs: integer("at_ms").notNull(),
  },
  (t) => [primaryKey({ columns: [t.taskId, t.sequence] })],
);

/**
 * Files that were stored for a task before it was certain that the task is made. What no task has claimed within a day is
 * removed. No creation but an import touches it.
 */
export const stagedFiles = sqliteTable(
  "staged_files",
  {
    name: text().primaryKey(),
    namespaceId: text("namespace_id").notNull(),
    /** The task that has it, if that was made. */
    taskId: text("task_id").notNull(),
    stagedAtMs: integer("staged_at_ms").notNull(),
  },
  (t) => [index("staged_files_old").on(t.stagedAtMs, t.name)],
);
