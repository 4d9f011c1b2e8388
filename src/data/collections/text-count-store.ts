import { sql } from "drizzle-orm";
import type { Database } from "../database/database";

/**
 * After memories were removed, in the same transaction: the row that counts a collection's texts goes with the last of
 * them. The triggers alone leave it when that one was deleted softly before, because such a one is counted out already.
 */
export function forgetEmptyTexts(db: Database, collectionId: string) {
  return db.run(sql`DELETE FROM collection_texts WHERE collection_id = ${collectionId} AND memories = 0
    AND NOT EXISTS (SELECT 1 FROM memories WHERE collection_id = ${collectionId})`);
}
