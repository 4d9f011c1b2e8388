import { beforeEach, describe, expect, it } from "vitest";
import { travelMs } from "../../support/clock";
import { filesOf, ndjson, newEmpty, putFile } from "../../support/collection-files";
import { arm, resetFaults } from "../../support/faults";
import { bellOf } from "../../support/requests-object";
import { endOf, rows } from "../../support/scene";
import { sweepOnce } from "../../support/sweeper";

const DAY_MS = 86_400_000;

beforeEach(() => resetFaults());

describe("a sweep of the files of imports", () => {
  it("removes one that no task has claimed within a day: its call was cut off", async () => {
    const collectionId = await newEmpty();
    arm("fails-before", "object: create", 10);
    expect((await putFile(collectionId, ndjson({ text: "one" }))).status).toBe(503);
    const [staged] = await rows<{ task_id: string }>(
      "SELECT task_id FROM staged_files ORDER BY staged_at_ms DESC LIMIT 1",
    );
    const taskId = staged?.task_id ?? "";
    expect(await filesOf(taskId)).toHaveLength(1);
    travelMs(DAY_MS - 60_000);
    await sweepOnce();
    expect(await filesOf(taskId)).toHaveLength(1);
    travelMs(60_000);
    await sweepOnce();
    expect(await filesOf(taskId)).toEqual([]);
  });

  it("leaves that of a task to it", async () => {
    const collectionId = await newEmpty();
    arm("drops", "queue: sendBatch", 1_000);
    const { task_id: id } = (await putFile(collectionId, ndjson({ text: "one" }))).body;
    travelMs(2 * DAY_MS);
    await sweepOnce();
    expect(await filesOf(id)).toHaveLength(1);
    expect(await rows("SELECT 1 FROM staged_files WHERE task_id = ?", id)).toEqual([]);
    resetFaults();
    await bellOf(id);
    expect((await endOf(id)).result).toMatchObject({ created: 1 });
  });
});
