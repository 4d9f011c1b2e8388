import { type SQL, sql } from "drizzle-orm";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import type { LeasedPart } from "./part-sql";
import { setRingTimesByLease } from "./ring-sql";

interface Standing {
  readonly taskId: string;
  readonly part: number;
  readonly token: string;
}

/**
 * Which of these leases still stand: the part is held under the token, and its task runs. One round trip for all.
 * @param extendByMs for how long they stand from now on; undefined leaves that as it is, and writes nothing.
 */
export async function standingLeases<L extends LeasedPart>(
  db: Database,
  leases: readonly L[],
  extendByMs: number | undefined,
): Promise<readonly L[]> {
  const stands = whereStanding(JSON.stringify(leases.map(({ taskId, part, token }) => ({ taskId, part, token }))));
  const columns = sql`task_id AS taskId, part, lease_token AS token`;
  const rows =
    extendByMs === undefined
      ? await db.all<Standing>(sql`SELECT ${columns} FROM task_parts WHERE ${stands}`)
      : await db
          .batch([
            db.all<Standing>(sql`UPDATE task_parts SET lease_expires_at_ms = ${nowMs(db)} + ${extendByMs}
              WHERE ${stands} RETURNING ${columns}`),
            setRingTimesByLease(db, [...new Set(leases.map(({ taskId }) => taskId))]),
          ])
          .then(([extended]) => extended);
  const held = new Set(rows.map(keyOf));
  return leases.filter((lease) => held.has(keyOf(lease)));
}

function keyOf({ taskId, part, token }: Standing): string {
  return `${taskId} ${part} ${token}`;
}

/** The parts are looked up by their key; that a token is another's does not happen, as it is random, and is seen above. */
function whereStanding(json: string): SQL {
  return sql`(task_id, part) IN (SELECT json_extract(value, '$.taskId'), json_extract(value, '$.part') FROM json_each(${json}))
    AND lease_token IN (SELECT json_extract(value, '$.token') FROM json_each(${json}))
    AND EXISTS (SELECT 1 FROM tasks AS run WHERE run.id = task_parts.task_id AND run.status = 'running')`;
}
