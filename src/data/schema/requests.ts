import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { REQUEST_DOORS } from "../../domain/requests/request";
import { TASK_STATUSES } from "../../domain/tasks/task";

/**
 * What was accepted under a request id: one row for every door that takes one, written in the transaction that makes what
 * was asked for. Its primary key decides who was first, for ever. A removed thing leaves its row as a tombstone.
 *
 * A plain creation touches the table alone: it is WITHOUT ROWID in the migration, and all its indexes are partial.
 */
export const requests = sqliteTable(
  "requests",
  {
    /** Derived from (namespace, request id), and the id of the task where one is made. */
    id: text().primaryKey(),
    namespaceId: text("namespace_id").notNull(),
    requestId: text("request_id").notNull(),
    door: text({ enum: REQUEST_DOORS }).notNull(),
    /** SHA-256 of the canonical request. Null while nothing but a cancel or a reservation has come. */
    fingerprint: text(),
    /** That of the reservation, where there was one. */
    reservedFingerprint: text("reserved_fingerprint"),
    /** The canonical request as it was sent; null on a tombstone. */
    request: text(),
    /** The call that made it: the one that is answered 201. */
    callId: text("call_id").notNull(),
    /** What it made, or refers to, where that is no task of the same id: the task of an invoke, an agent, a collection. */
    madeId: text("made_id"),
    /** The run that an invoke opened. */
    madeRun: integer("made_run"),
    /** The bulk whose item made it. */
    bulkId: text("bulk_id"),
    /** Of a task that a GET asked for: what it is made of. Kept on a tombstone. */
    subject: text(),
    /** A cancel came before the content, or was for a bulk: what it still makes is born canceled. */
    canceled: integer({ mode: "boolean" }).notNull().default(false),
    /** Until when it is held without work behind it: a reservation that nobody has filled, or a cancel that came first. */
    heldUntilMs: integer("held_until_ms"),
    firstSeenAtMs: integer("first_seen_at_ms").notNull(),
    lastSeenAtMs: integer("last_seen_at_ms").notNull(),
    replayCount: integer("replay_count").notNull().default(0),
    mismatchCount: integer("mismatch_count").notNull().default(0),
    /** Set on a tombstone. */
    retiredAtMs: integer("retired_at_ms"),
    // What a tombstone keeps of its task.
    status: text({ enum: TASK_STATUSES }),
    run: integer(),
    endedAtMs: integer("ended_at_ms"),
    /** The collection that the task was to make: the tombstone stays while that exists. */
    targetId: text("target_id"),
    /** Rows and files of the task are still to be removed. */
    leftovers: integer({ mode: "boolean" }).notNull().default(false),
  },
  (t) => [
    index("requests_held")
      .on(t.namespaceId, t.heldUntilMs)
      .where(sql`held_until_ms IS NOT NULL`),
    // Cancels that came first, for the sweeper.
    index("requests_barred")
      .on(t.heldUntilMs, t.id)
      .where(sql`door = 'cancel'`),
    index("requests_bulk")
      .on(t.bulkId)
      .where(sql`bulk_id IS NOT NULL`),
    index("requests_made")
      .on(t.madeId)
      .where(sql`made_id IS NOT NULL`),
    index("requests_subject")
      .on(t.namespaceId, t.subject, t.firstSeenAtMs)
      .where(sql`subject IS NOT NULL`),
    index("requests_retired")
      .on(t.retiredAtMs, t.id)
      .where(sql`retired_at_ms IS NOT NULL`),
    index("requests_leftovers")
      .on(t.retiredAtMs, t.id)
      .where(sql`leftovers = 1`),
  ],
);
