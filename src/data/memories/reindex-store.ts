import { sql } from "drizzle-orm";
import type { Database } from "../database/database";
import { type CursorStep, type StepOutcome, stepWritten, writeStep } from "../parts/cursor-store";

/**
 * Writes the word index of memories anew, with a step: a text that is set, though to itself, goes through the triggers
 * that keep the index.
 */
export function reindexMemories(db: Database, step: CursorStep, ids: readonly string[]): Promise<StepOutcome> {
  return writeStep(db, step, [
    db.run(sql`UPDATE memories SET text = text
      WHERE id IN (SELECT value FROM json_each(${JSON.stringify(ids)})) AND namespace_id = ${step.lease.namespaceId}
        AND deleted_at_ms IS NULL AND ${stepWritten(step)}`),
  ]);
}
