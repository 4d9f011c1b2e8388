import { type SQL, sql } from "drizzle-orm";
import type { Database } from "./database";
import type { LeasedPart } from "./task-part-sql";

/**
 * Which of these leases still stand: the part is held under the token, and its task runs. One statement for all.
 * @param extendToMs when they then end; undefined leaves that as it is, and writes nothing.
 * @returns their tokens.
 */
export async function standingLeases(
  db: Database,
  leases: readonly LeasedPart[],
  extendToMs: number | undefined,
): Promise<ReadonlySet<string>> {
  const json = JSON.stringify(leases.map(({ taskId, part, token }) => ({ taskId, part, token })));
  const stands = whereStanding(json);
  const rows = await db.all<{ token: string }>(
    extendToMs === undefined
      ? sql`SELECT lease_token AS token FROM task_parts WHERE ${stands}`
      : sql`UPDATE task_parts SET lease_expires_at_ms = ${extendToMs} WHERE ${stands} RETURNING lease_token AS token`,
  );
  return new Set(rows.map(({ token }) => token));
}

const each = (field: string) => sql.raw(`json_extract(value, '$.${field}')`);

/** A token is random, and so never that of another part. */
function whereStanding(json: string): SQL {
  return sql`(task_id, part) IN (SELECT ${each("taskId")}, ${each("part")} FROM json_each(${json}))
    AND lease_token IN (SELECT ${each("token")} FROM json_each(${json}))
    AND EXISTS (SELECT 1 FROM tasks AS run WHERE run.id = task_parts.task_id AND run.status = 'running')`;
}
