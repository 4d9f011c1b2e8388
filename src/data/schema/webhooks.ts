import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { DELIVERY_STATES, type DeliveryAttempt, WEBHOOK_EVENTS } from "../../domain/tasks/task-end";

/**
 * Addresses that are told of the ends of tasks. A trigger adds the one that a new task names. A deleted one keeps its row
 * without its address, so that its secret never comes again.
 */
export const webhooks = sqliteTable(
  "webhooks",
  {
    /** Derived from (namespace, address). */
    id: text().primaryKey(),
    namespaceId: text("namespace_id").notNull(),
    url: text().notNull(),
    description: text(),
    enabled: integer({ mode: "boolean" }).notNull(),
    disabledReason: text("disabled_reason", { enum: ["gone"] }),
    version: integer().notNull(),
    // Secrets are derived and not stored: these say of what.
    secretVersion: integer("secret_version").notNull(),
    secretKey: text("secret_key").notNull(),
    formerSecretKey: text("former_secret_key"),
    rotatedAtMs: integer("rotated_at_ms"),
    createdAtMs: integer("created_at_ms").notNull(),
    updatedAtMs: integer("updated_at_ms").notNull(),
    deletedAtMs: integer("deleted_at_ms"),
  },
  (t) => [index("webhooks_list").on(t.namespaceId, t.createdAtMs, t.id)],
);

/**
 * The outbox: an end of a task that somebody wants to hear of. Triggers write it in the transaction of the end itself, so
 * neither stands without the other.
 */
export const webhookDeliveries = sqliteTable(
  "webhook_deliveries",
  {
    /** Made of the task's id and its run: an end is one delivery, whoever writes it. */
    id: text().primaryKey(),
    namespaceId: text("namespace_id").notNull(),
    webhookId: text("webhook_id").notNull(),
    taskId: text("task_id").notNull(),
    run: integer().notNull(),
    event: text({ enum: WEBHOOK_EVENTS }).notNull(),
    /** What is told, frozen: the facts, which version 1 of the contract puts into words. */
    payload: text().notNull(),
    state: text({ enum: DELIVERY_STATES }).notNull(),
    attempts: integer().notNull(),
    nextAttemptAtMs: integer("next_attempt_at_ms").notNull(),
    /** When the sweeper rings for it, if nobody has: a little after it was due. */
    lookAtMs: integer("look_at_ms").notNull(),
    leaseToken: text("lease_token"),
    leaseExpiresAtMs: integer("lease_expires_at_ms"),
    log: text({ mode: "json" }).$type<readonly DeliveryAttempt[]>().notNull(),
    createdAtMs: integer("created_at_ms").notNull(),
    endedAtMs: integer("ended_at_ms"),
  },
  (t) => [
    index("webhook_deliveries_list").on(t.webhookId, t.createdAtMs, t.id),
    index("webhook_deliveries_due")
      .on(t.lookAtMs, t.id)
      .where(sql`state = 'pending'`),
    index("webhook_deliveries_leased")
      .on(t.webhookId, t.leaseExpiresAtMs)
      .where(sql`lease_token IS NOT NULL`),
    index("webhook_deliveries_old").on(t.createdAtMs, t.id),
  ],
);
