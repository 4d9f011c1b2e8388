import { and, asc, eq, lte, sql } from "drizzle-orm";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { stagedFiles } from "../schema/tasks";

/** A file that was stored for a task before it was certain that the task is made. */
export interface StagedFile {
  readonly name: string;
  readonly namespaceId: string;
  /** Whether its task has it: then it goes with the task. */
  readonly isClaimed: boolean;
}

/** Notes a file before it is stored. @param file its name must be new. */
export async function insertStagedFile(
  db: Database,
  file: { readonly name: string; readonly namespaceId: string; readonly taskId: string },
): Promise<void> {
  await db.insert(stagedFiles).values({ ...file, stagedAtMs: nowMs(db) });
}

/** The files of all namespaces that were staged `olderThanMs` ago or earlier, the oldest first. */
export async function listOldStagedFiles(
  db: Database,
  olderThanMs: number,
  limit: number,
): Promise<readonly StagedFile[]> {
  const rows = await db
    .select({
      name: stagedFiles.name,
      namespaceId: stagedFiles.namespaceId,
      // By their full names: both tables have a name.
      isClaimed: sql<number>`EXISTS (SELECT 1 FROM tasks WHERE tasks.id = staged_files.task_id
        AND tasks.command ->> '$.file.name' = staged_files.name)`,
    })
    .from(stagedFiles)
    .where(lte(stagedFiles.stagedAtMs, sql`${nowMs(db)} - ${olderThanMs}`))
    .orderBy(asc(stagedFiles.stagedAtMs), asc(stagedFiles.name))
    .limit(limit);
  return rows.map((row) => ({ ...row, isClaimed: row.isClaimed === 1 }));
}

/** Forgets a staged file: its task has the file, or the file is gone. */
export async function deleteStagedFile(db: Database, namespaceId: string, name: string): Promise<void> {
  await db.delete(stagedFiles).where(and(eq(stagedFiles.namespaceId, namespaceId), eq(stagedFiles.name, name)));
}
