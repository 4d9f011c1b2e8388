import { and, eq, sql } from "drizzle-orm";
import { parseOwnJson } from "../../domain/basics/own-json";
import type { Page, PageRequest } from "../../domain/page";
import {
  ATTEMPTS_KEPT_MAX,
  ATTEMPTS_MAX,
  type Delivery,
  type DeliveryState,
  type TaskEnd,
  type Webhook,
  type WebhookSecretState,
} from "../../domain/tasks/task-end";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { after, newestFirst, toPage } from "../database/page";
import { webhookDeliveries } from "../schema/webhooks";

export interface DeliveryClaim {
  readonly id: string;
  /** Random, made before it is written: only who holds it may write how the attempt ended. */
  readonly token: string;
  readonly leaseMs: number;
  /** Deliveries of one endpoint that may be under way at once. */
  readonly perEndpointMax: number;
}

/** A delivery whose next attempt is ours. */
export interface ClaimedDelivery {
  readonly id: string;
  readonly event: Delivery["event"];
  readonly end: TaskEnd;
  /** This one counted. */
  readonly attempts: number;
  readonly webhook: Pick<Webhook, "id" | "url"> & WebhookSecretState;
}

export type DeliveryClaimAnswer =
  | { readonly kind: "claimed"; readonly delivery: ClaimedDelivery }
  /** It is due, but its endpoint has enough to do. */
  | { readonly kind: "busy" }
  /** There is no attempt to make now. */
  | { readonly kind: "nothing" };

/**
 * Takes a delivery for one attempt, by compare-and-set: one that is due, that nobody holds, and whose endpoint has not
 * too many under way. The attempt is counted and noted before it is made, so that one which a crash cuts off is seen. What
 * has used up its attempts, or lost its endpoint, comes to its end here. The statements see times of their own: what
 * falls due between two of them is `busy`, and the next bell finds it.
 */
export async function claimDelivery(db: Database, claim: DeliveryClaim): Promise<DeliveryClaimAnswer> {
  const { id, token } = claim;
  const now = nowMs(db);
  const isDue = sql`state = 'pending' AND (lease_expires_at_ms IS NULL OR lease_expires_at_ms <= ${now})
    AND next_attempt_at_ms <= ${now}`;
  const isWanted = sql`EXISTS (SELECT 1 FROM webhooks WHERE webhooks.id = webhook_id AND enabled = 1
    AND deleted_at_ms IS NULL)`;
  const hasAttempts = sql`attempts < ${ATTEMPTS_MAX}`;
  const begun = sql`json_object('atMs', ${now}, 'durationMs', NULL, 'status', NULL, 'error', ${UNFINISHED})`;
  const [, taken, found] = await db.batch([
    db.run(sql`UPDATE webhook_deliveries SET state = CASE WHEN ${isWanted} THEN 'failed' ELSE 'dropped' END,
        lease_token = NULL, lease_expires_at_ms = NULL, ended_at_ms = ${now}
      WHERE id = ${id} AND ${isDue} AND NOT (${hasAttempts} AND ${isWanted})`),
    db.all<{ id: string }>(sql`UPDATE webhook_deliveries SET lease_token = ${token},
        lease_expires_at_ms = ${now} + ${claim.leaseMs}, attempts = attempts + 1,
        look_at_ms = ${now} + ${claim.leaseMs},
        log = json_insert(CASE WHEN json_array_length(log) >= ${ATTEMPTS_KEPT_MAX} THEN json_remove(log, '$[0]') ELSE log END,
          '$[#]', ${begun})
      WHERE id = ${id} AND ${isDue} AND ${hasAttempts} AND ${isWanted}
        AND (SELECT count(*) FROM webhook_deliveries AS other WHERE other.webhook_id = webhook_deliveries.webhook_id
          AND other.lease_token IS NOT NULL AND other.lease_expires_at_ms > ${now}) < ${claim.perEndpointMax}
      RETURNING id`),
    db.all<ClaimedRow>(sql`SELECT event, payload, attempts, ${isDue} AS isDue, webhook_id AS webhookId, url,
        secret_version AS secretVersion, secret_key AS secretKey, former_secret_key AS formerSecretKey,
        rotated_at_ms AS rotatedAtMs
      FROM webhook_deliveries JOIN webhooks ON webhooks.id = webhook_id WHERE webhook_deliveries.id = ${id}`),
  ]);
  const [row] = found;
  if (row === undefined) return { kind: "nothing" };
  const { event, payload, attempts, isDue: isStillDue, webhookId, ...webhook } = row;
  // The claim of an answer that was lost is found again by its lease only: it lapses, and the next attempt comes.
  if (taken.length === 1) {
    const end = parseOwnJson<TaskEnd>(payload);
    return { kind: "claimed", delivery: { id, event, end, attempts, webhook: { id: webhookId, ...webhook } } };
  }
  return { kind: isStillDue === 1 ? "busy" : "nothing" };
}

interface ClaimedRow extends WebhookSecretState, Pick<Webhook, "url"> {
  readonly event: Delivery["event"];
  readonly payload: string;
  readonly attempts: number;
  /** 1 or 0. */
  readonly isDue: number;
  readonly webhookId: string;
}

const UNFINISHED = "The attempt was cut off: whether the message arrived is not known.";

/** How an attempt ended. */
export interface AttemptEnd {
  readonly state: DeliveryState;
  readonly durationMs: number;
  readonly status: number | null;
  readonly error: string | null;
  /** Until the next attempt of what stays pending; else 0. */
  readonly delayMs: number;
  /** The endpoint says that it is gone for good: it is disabled. */
  readonly gone: boolean;
}

/** Writes how an attempt ended, if the lease still stands. One transaction. */
export async function endAttempt(
  db: Database,
  { id, token, webhookId }: { readonly id: string; readonly token: string; readonly webhookId: string },
  end: AttemptEnd,
): Promise<void> {
  const isHeld = sql`EXISTS (SELECT 1 FROM webhook_deliveries WHERE id = ${id} AND lease_token = ${token})`;
  const { state, status } = end;
  const now = nowMs(db);
  await db.batch([
    db.run(sql`UPDATE webhooks SET enabled = 0, disabled_reason = 'gone', version = version + 1, updated_at_ms = ${now}
      WHERE id = ${webhookId} AND enabled = 1 AND ${end.gone ? 1 : 0} = 1 AND ${isHeld}`),
    db.run(sql`UPDATE webhook_deliveries SET state = ${state}, lease_token = NULL, lease_expires_at_ms = NULL,
        next_attempt_at_ms = ${now} + ${end.delayMs}, look_at_ms = ${now} + ${end.delayMs + LOOK_AFTER_MS},
        ended_at_ms = ${state === "pending" ? null : now},
        log = json_set(log, '$[#-1].durationMs', ${end.durationMs}, '$[#-1].status', ${status}, '$[#-1].error', ${end.error})
      WHERE id = ${id} AND lease_token = ${token}`),
  ]);
}

/** What is due and nobody has rung for, the longest first. */
export async function listDueDeliveries(db: Database, limit: number): Promise<readonly string[]> {
  const rows = await db.all<{ id: string }>(sql`SELECT id FROM webhook_deliveries
    WHERE state = 'pending' AND look_at_ms <= ${nowMs(db)} ORDER BY look_at_ms, id LIMIT ${limit}`);
  return rows.map(({ id }) => id);
}

/** What was rung for is due again after `delayMs`, if it is due still. */
export async function delayDueDeliveries(db: Database, ids: readonly string[], delayMs: number): Promise<void> {
  await db.run(sql`UPDATE webhook_deliveries SET look_at_ms = ${nowMs(db)} + ${delayMs}
    WHERE id IN (SELECT value FROM json_each(${JSON.stringify(ids)})) AND state = 'pending' AND look_at_ms <= ${nowMs(db)}`);
}

/** Forgets deliveries that were made longer ago than `ageMs`; some at a time. @returns how many. */
export async function removeOldDeliveries(db: Database, ageMs: number, limit: number): Promise<number> {
  const rows = await db.all<{ id: string }>(sql`DELETE FROM webhook_deliveries WHERE id IN (
      SELECT id FROM webhook_deliveries WHERE created_at_ms < ${nowMs(db)} - ${ageMs}
        ORDER BY created_at_ms, id LIMIT ${limit})
    RETURNING id`);
  return rows.length;
}

export async function listDeliveries(
  db: Database,
  {
    namespaceId,
    webhookId,
    state,
  }: {
    readonly namespaceId: string;
    readonly webhookId: string;
    readonly state: DeliveryState | undefined;
  },
  request: PageRequest,
): Promise<Page<Delivery>> {
  const rows = await db
    .select()
    .from(webhookDeliveries)
    .where(
      and(
        eq(webhookDeliveries.webhookId, webhookId),
        eq(webhookDeliveries.namespaceId, namespaceId),
        state && eq(webhookDeliveries.state, state),
        after(request.after, webhookDeliveries.createdAtMs, webhookDeliveries.id),
      ),
    )
    .orderBy(...newestFirst(webhookDeliveries.createdAtMs, webhookDeliveries.id))
    .limit(request.limit + 1);
  return toPage(rows.map(toDelivery), request);
}

/** Makes a delivery due now, with all its attempts before it. One that is under way stays as it is. */
export async function reviveDelivery(
  db: Database,
  { namespaceId, webhookId, id }: { readonly namespaceId: string; readonly webhookId: string; readonly id: string },
): Promise<Delivery | undefined> {
  const now = nowMs(db);
  const isIt = and(
    eq(webhookDeliveries.id, id),
    eq(webhookDeliveries.webhookId, webhookId),
    eq(webhookDeliveries.namespaceId, namespaceId),
  );
  const [, found] = await db.batch([
    db
      .update(webhookDeliveries)
      .set({
        state: "pending",
        attempts: 0,
        nextAttemptAtMs: now,
        lookAtMs: sql`${now} + ${LOOK_AFTER_MS}`,
        endedAtMs: null,
      })
      .where(and(isIt, sql`(lease_expires_at_ms IS NULL OR lease_expires_at_ms <= ${now})`)),
    db.select().from(webhookDeliveries).where(isIt),
  ]);
  return found[0] && toDelivery(found[0]);
}

/** A bell comes first; the sweeper looks so long after something was due. The triggers know the same number. */
const LOOK_AFTER_MS = 30_000;

function toDelivery(row: typeof webhookDeliveries.$inferSelect): Delivery {
  const { id, webhookId, taskId, run, event, state, attempts, log, createdAtMs, endedAtMs } = row;
  const nextAttemptAtMs = state === "pending" ? row.nextAttemptAtMs : null;
  return { id, webhookId, taskId, run, event, state, attempts, nextAttemptAtMs, log, createdAtMs, endedAtMs };
}
