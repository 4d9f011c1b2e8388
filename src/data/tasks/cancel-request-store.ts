import type { StandingRequest } from "../../domain/requests/request";
import type { Database } from "../database/database";
import { clearLeasesOf } from "../parts/part-sql";
import { cancelRuns, type TaskBefore, cancelTasks } from "./cancel-store";
import { barRequest, findBulkItems, markCanceled, selectRequest } from "../requests/request-store";

/**
 * Bars a request id under which nothing was seen, and cancels the first run of a task that came meanwhile, in one
 * transaction: a creation that is under way meets the bar, or was first and is canceled here.
 * @returns the row that stands then; undefined where the namespace holds too many ids.
 */
export async function cancelBefore(
  db: Database,
  bar: Parameters<typeof barRequest>[1],
): Promise<StandingRequest | undefined> {
  const { id, namespaceId } = bar;
  const [, , , [row]] = await db.batch([
    barRequest(db, bar),
    cancelRuns(db, namespaceId, [{ id, run: 1 }]),
    clearLeasesOf(db, namespaceId, [id]),
    selectRequest(db, namespaceId, id),
  ]);
  return row;
}

/**
 * Cancels what a bulk made, and says of the bulk that it was canceled. The mark comes first: an item that is made after it
 * is born canceled, and one that was made before it is found.
 * @returns those whose run was open.
 */
export async function cancelBulk(db: Database, namespaceId: string, bulkId: string): Promise<readonly TaskBefore[]> {
  await markCanceled(db, namespaceId, bulkId);
  const items = await findBulkItems(db, namespaceId, bulkId);
  return cancelTasks(db, namespaceId, items);
}
