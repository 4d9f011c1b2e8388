import { errorText } from "../../domain/basics/error-text";
import { deleteStagedFile, listOldStagedFiles, type StagedFile } from "../../data/tasks/staged-file-store";
import type { Swept, SweepTime } from "../basics/swept";
import type { Services } from "../context";

const UNCLAIMED_MS = 86_400_000;
const FILES_PER_SWEEP = 20;

/** Removes files that were staged a day ago and that no task has claimed. */
export async function sweepStagedFiles(services: Services, { endMs }: SweepTime): Promise<Swept> {
  const old = await listOldStagedFiles(services.db, UNCLAIMED_MS, FILES_PER_SWEEP);
  let count = 0;
  for (const file of old) if (services.clock.nowMs() < endMs && (await forget(services, file))) count += 1;
  return { count, hasMore: count === FILES_PER_SWEEP };
}

/** The file goes first: what a crash leaves is a row, by which it is tried again. */
async function forget({ db, files, log }: Services, { name, namespaceId, isClaimed }: StagedFile): Promise<boolean> {
  try {
    if (!isClaimed) await files.removeAll(name);
    await deleteStagedFile(db, namespaceId, name);
    return true;
  } catch (error) {
    log("warn", "staged-file-not-removed", { name, error: errorText(error) });
    return false;
  }
}
