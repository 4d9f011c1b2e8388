import { and, eq, getTableColumns, isNull, sql } from "drizzle-orm";
import type { Page, PageRequest } from "../../domain/page";
import type { Webhook, WebhookSecretState } from "../../domain/tasks/task-end";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { after, newestFirst, toPage } from "../database/page";
import { webhooks } from "../schema/webhooks";

/** An endpoint with what its secrets are derived from. */
export type StoredWebhook = Webhook & WebhookSecretState;

const { deletedAtMs: _deletedAtMs, ...webhookColumns } = getTableColumns(webhooks);

/**
 * Adds the endpoint, unless it is there. One that was deleted comes back as a new one, with another secret. The triggers
 * on tasks do the same.
 * @returns whether this call added it.
 */
export async function insertWebhook(
  db: Database,
  {
    id,
    namespaceId,
    url,
    description,
    secretKey,
  }: Pick<StoredWebhook, "id" | "namespaceId" | "url" | "description" | "secretKey">,
): Promise<boolean> {
  const now = nowMs(db);
  const rows = await db.all<{
    id: string;
  }>(sql`INSERT INTO webhooks (id, namespace_id, url, description, enabled, version,
      secret_version, secret_key, created_at_ms, updated_at_ms)
    VALUES (${id}, ${namespaceId}, ${url}, ${description}, 1, 1, 1, ${secretKey}, ${now}, ${now})
    ON CONFLICT (id) DO UPDATE SET url = excluded.url, description = excluded.description, enabled = 1,
      disabled_reason = NULL, version = version + 1, secret_version = secret_version + 1, secret_key = excluded.secret_key,
      former_secret_key = NULL, rotated_at_ms = NULL, created_at_ms = excluded.created_at_ms,
      updated_at_ms = excluded.updated_at_ms, deleted_at_ms = NULL
    WHERE deleted_at_ms IS NOT NULL
    RETURNING id`);
  return rows.length === 1;
}

export async function findWebhook(db: Database, namespaceId: string, id: string): Promise<StoredWebhook | undefined> {
  const [row] = await db.select(webhookColumns).from(webhooks).where(isLive(namespaceId, id));
  return row;
}

export async function listWebhooks(db: Database, namespaceId: string, request: PageRequest): Promise<Page<Webhook>> {
  const rows = await db
    .select(webhookColumns)
    .from(webhooks)
    .where(
      and(
        eq(webhooks.namespaceId, namespaceId),
        isNull(webhooks.deletedAtMs),
        after(request.after, webhooks.createdAtMs, webhooks.id),
      ),
    )
    .orderBy(...newestFirst(webhooks.createdAtMs, webhooks.id))
    .limit(request.limit + 1);
  return toPage(rows, request);
}

/**
 * Writes what may change, if the version still stands; a secret of another version was rotated now.
 * @returns undefined when it does not.
 */
export async function updateWebhook(
  db: Database,
  next: Omit<StoredWebhook, "updatedAtMs" | "rotatedAtMs">,
  expectedVersion: number,
): Promise<StoredWebhook | undefined> {
  const { description, enabled, disabledReason, version, secretVersion, secretKey, formerSecretKey } = next;
  const now = nowMs(db);
  const [row] = await db
    .update(webhooks)
    .set({
      description,
      enabled,
      disabledReason,
      version,
      updatedAtMs: now,
      secretVersion,
      secretKey,
      formerSecretKey,
      rotatedAtMs: sql`iif(${webhooks.secretVersion} = ${secretVersion}, ${webhooks.rotatedAtMs}, ${now})`,
    })
    .where(and(isLive(next.namespaceId, next.id), eq(webhooks.version, expectedVersion)))
    .returning(webhookColumns);
  return row;
}

/** Forgets the address, and keeps the row. @returns false when there is no such endpoint. */
export async function removeWebhook(db: Database, namespaceId: string, id: string): Promise<boolean> {
  const now = nowMs(db);
  const [rows] = await db.batch([
    db
      .update(webhooks)
      .set({ url: "", description: null, enabled: false, deletedAtMs: now, updatedAtMs: now })
      .where(isLive(namespaceId, id))
      .returning({ id: webhooks.id }),
    // At once: its address may be named again before their turn comes. An attempt under way finds it gone at its end.
    db.run(sql`UPDATE webhook_deliveries SET state = 'dropped', ended_at_ms = ${now}
      WHERE webhook_id = ${id} AND namespace_id = ${namespaceId} AND state = 'pending' AND lease_token IS NULL
        AND EXISTS (SELECT 1 FROM webhooks WHERE id = ${id} AND deleted_at_ms IS NOT NULL)`),
  ]);
  return rows.length === 1;
}

function isLive(namespaceId: string, id: string) {
  return and(eq(webhooks.namespaceId, namespaceId), eq(webhooks.id, id), isNull(webhooks.deletedAtMs));
}
