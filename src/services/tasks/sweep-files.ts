import { deleteStagedFile, listOldStagedFiles } from "../../data/tasks/staged-file-store";
import type { Services } from "../context";
import type { Swept } from "../basics/swept";

const UNCLAIMED_MS = 86_400_000;
const FILES_PER_PAGE = 20;

/** Removes files that were staged a day ago and that no task has claimed. */
export async function sweepStagedFiles({ db, files }: Services): Promise<Swept> {
  const old = await listOldStagedFiles(db, UNCLAIMED_MS, FILES_PER_PAGE);
  for (const { name, namespaceId, isClaimed } of old) {
    // The file first: what a crash leaves is a row, by which it is tried again.
    if (!isClaimed) await files.removeAll(name);
    await deleteStagedFile(db, namespaceId, name);
  }
  return { count: old.length, isPageFull: old.length === FILES_PER_PAGE };
}
