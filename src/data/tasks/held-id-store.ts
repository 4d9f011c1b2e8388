import { and, eq, inArray, isNotNull, lte, sql } from "drizzle-orm";
import { HELD_IDS_MAX } from "../../domain/tasks/reservation";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { among, inNamespace } from "../parts/part-sql";
import { heldIds, tasks } from "../schema/tasks";

/**
 * Holds an id, if the namespace may hold one more: counted and written in one transaction, so that calls side by side
 * do not pass the limit together. Repeatable: an id that is held already stays so. What is over makes room first.
 * @returns whether the id is held.
 */
export async function holdId(
  db: Database,
  hold: { readonly namespaceId: string; readonly taskId: string; readonly forMs: number },
): Promise<boolean> {
  const { namespaceId, taskId, forMs } = hold;
  const [, , held] = await db.batch([
    db.delete(heldIds).where(and(eq(heldIds.namespaceId, namespaceId), lte(heldIds.untilMs, nowMs(db)))),
    db.run(sql`INSERT INTO held_ids (namespace_id, task_id, until_ms) SELECT ${namespaceId}, ${taskId}, ${nowMs(db)} + ${forMs}
      WHERE (SELECT count(*) FROM held_ids WHERE namespace_id = ${namespaceId}) < ${HELD_IDS_MAX}
      ON CONFLICT (namespace_id, task_id) DO NOTHING`),
    db
      .select({ taskId: heldIds.taskId })
      .from(heldIds)
      .where(and(eq(heldIds.namespaceId, namespaceId), eq(heldIds.taskId, taskId))),
  ]);
  return held.length > 0;
}

/** Gives an id free, in the batch of what fills it: a namespace, and the id. */
export const RELEASE_ID = 'DELETE FROM "held_ids" WHERE "namespace_id" = ? AND "task_id" = ?';

/** As above, in the batch of what ends it. */
export function releaseId(db: Database, { namespaceId, id }: { readonly namespaceId: string; readonly id: string }) {
  return db.delete(heldIds).where(and(eq(heldIds.namespaceId, namespaceId), eq(heldIds.taskId, id)));
}

/** As above, for those of several whose tasks have ended: what is held for a creation that has not come stays held. */
export function releaseEndedIds(db: Database, namespaceId: string, ids: readonly string[]) {
  const ended = db
    .select({ id: tasks.id })
    .from(tasks)
    .where(and(among(tasks.id, ids), inNamespace(namespaceId), isNotNull(tasks.endedAtMs)));
  return db.delete(heldIds).where(and(eq(heldIds.namespaceId, namespaceId), inArray(heldIds.taskId, ended)));
}
