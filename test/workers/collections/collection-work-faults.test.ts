import { beforeEach, describe, expect, it } from "vitest";
import { call, until } from "../../support/api";
import {
  exported,
  exportOf,
  fill,
  imported,
  ndjson,
  newEmpty,
  putFile,
  startWork,
} from "../../support/collection-files";
import { arm, type FaultKind, firedFaults, resetFaults } from "../../support/faults";
import { bellOf } from "../../support/requests-object";
import { endOf, rows, taskOf } from "../../support/scene";

beforeEach(() => resetFaults());

const COUNT = 1_300;
const LINES = ndjson(...Array.from({ length: COUNT }, (_, i) => ({ text: `memory ${i}`, external_id: `${i}` })));
const STEP = "SET cursor = ?, done = ?";

type StepFault = [kind: FaultKind, at: string, what: string, times?: number];

/** Faults in each step of work that goes by a cursor. */
const STEPS: StepFault[] = [
  ["fails-before", "INSERT INTO task_parts", "the plan"],
  ["fails-after", "INSERT INTO task_parts", "the plan, which is made"],
  ["fails-before", "SET lease_token = ?", "the claim of the part"],
  ["fails-before", "SELECT cursor,", "the look at the cursor"],
  ["fails-before", STEP, "a step"],
  ["fails-after", STEP, "a step, which is made"],
  ["doubles", STEP, "a step is made twice"],
  ["fails-before", STEP, "a step, twice", 2],
  ["fails-after", STEP, "a step, twice, both made", 2],
  ["fails-before", "SET status = 'done'", "the settle"],
  ["fails-after", "SET status = 'done'", "the settle, which is made"],
];

async function filled(): Promise<string> {
  const id = await newEmpty();
  await fill(id, COUNT);
  return id;
}

const live = async (id: string) =>
  (
    await rows<{ n: number; ids: number; count: number }>(
      `SELECT count(*) AS n, count(DISTINCT external_id) AS ids,
         (SELECT memory_count FROM collections WHERE id = ?1) AS count
       FROM memories WHERE collection_id = ?1 AND deleted_at_ms IS NULL`,
      id,
    )
  )[0];

describe("collection-import, with a fault in one step", () => {
  const steps: StepFault[] = [
    ...STEPS,
    ["fails-before", "files: get", "reading the file"],
    ["fails-before", "json_each(?) AS asked", "looking up ids"],
    ["fails-before", "files: list", "removing the file"],
  ];
  it.each(steps)("%s at %s (%s): ends complete, nothing lost, nothing twice", async (kind, at, _, times = 1) => {
    const id = await newEmpty();
    const first = {
      memory_id: `memory_${crypto.randomUUID().replaceAll("-", "")}`,
      text: "first",
      external_id: "first",
    };
    arm(kind, at, times);
    const task = await imported(id, ndjson(first) + LINES);
    expect(task).toMatchObject({
      status: "complete",
      result: { created: COUNT + 1, updated: 0, skipped: 0, refused: 0 },
      progress: { done: COUNT + 1, failed: 0, total: COUNT + 1 },
    });
    expect(firedFaults()).toHaveLength(times);
    expect(await live(id)).toEqual({ n: COUNT + 1, ids: COUNT + 1, count: COUNT + 1 });
  });
});

describe("collection-export as a task, with a fault in one step", () => {
  const steps: StepFault[] = [
    ...STEPS,
    ["fails-before", "files: put", "writing a piece"],
    ["fails-after", "files: put", "writing a piece, which is made"],
  ];
  it.each(steps)("%s at %s (%s): its file is the export", async (kind, at, _, times = 1) => {
    const id = await filled();
    arm(kind, at, times);
    const taskId = await startWork("export", id);
    const task = await endOf(taskId);
    expect(task).toMatchObject({ status: "complete", result: { memories: COUNT }, progress: { done: COUNT } });
    expect(firedFaults()).toHaveLength(times);
    expect((await call("GET", task.links.file)).body).toBe((await exportOf(id)).body);
  });
});

describe.each(["analyze", "rebuild"])("batches-create of %s, with a fault in one step", (operation) => {
  it.each(STEPS)("%s at %s (%s): ends complete, and counts each memory once", async (kind, at, _, times = 1) => {
    const id = await filled();
    arm(kind, at, times);
    const task = await endOf(await startWork(operation, id));
    expect(task).toMatchObject({
      status: "complete",
      result: { memories: COUNT },
      progress: { done: COUNT, total: COUNT },
    });
    expect(firedFaults()).toHaveLength(times);
  });
});

/** An import that has given its part back after its first step, with no bell about. @returns its task. */
async function afterOneStep(id: string): Promise<string> {
  arm("drops", "queue: sendBatch", 1_000);
  const { task_id } = (await putFile(id, LINES)).body;
  const made = arm("fails-after", STEP);
  arm("fails-before", STEP, 1, { after: made });
  await bellOf(task_id);
  return task_id;
}

describe("work that goes by a cursor", () => {
  it("is done once when the same bell is answered ten times at once", async () => {
    const id = await newEmpty();
    arm("drops", "queue: sendBatch", 1_000);
    const { task_id } = (await putFile(id, LINES)).body;
    await Promise.all(Array.from({ length: 10 }, () => bellOf(task_id)));
    resetFaults();
    expect(await endOf(task_id)).toMatchObject({ status: "complete", result: { created: COUNT, skipped: 0 } });
    expect(await live(id)).toEqual({ n: COUNT, ids: COUNT, count: COUNT });
  });

  it("writes nothing more once it is canceled, keeps what is done, and goes on from there when it is invoked", async () => {
    const id = await newEmpty();
    const taskId = await afterOneStep(id);
    const canceled = (await call("PATCH", `/v1/checkmate/tasks/${taskId}/cancel`)).body;
    expect(canceled).toMatchObject({ status: "canceled", result: { created: 100 }, progress: { done: 100 } });
    await bellOf(taskId);
    expect((await live(id))?.n).toBe(100);
    await call("PATCH", `/v1/checkmate/tasks/${taskId}/invoke`);
    await bellOf(taskId);
    expect(await taskOf(taskId)).toMatchObject({ status: "complete", result: { created: COUNT, skipped: 0 } });
    expect(await live(id)).toEqual({ n: COUNT, ids: COUNT, count: COUNT });
  });

  it("is not written by a worker that has lost its lease", async () => {
    const id = await newEmpty();
    arm("drops", "queue: sendBatch", 1_000);
    const { task_id } = (await putFile(id, LINES)).body;
    let isLost = false;
    const held = arm("reorders", "INSERT INTO memories", 1, { heldUntil: () => isLost });
    const first = bellOf(task_id);
    await until(
      async () => held.fired,
      (fired) => fired === 1,
    );
    await rows("UPDATE task_parts SET lease_token = 'another' WHERE task_id = ?", task_id);
    isLost = true;
    await first;
    expect((await live(id))?.n).toBe(0);
    await rows("UPDATE task_parts SET lease_token = NULL, lease_expires_at_ms = NULL WHERE task_id = ?", task_id);
    await bellOf(task_id);
    resetFaults();
    expect(await endOf(task_id)).toMatchObject({ status: "complete", result: { created: COUNT, skipped: 0 } });
  });

  it("shows how far it is", async () => {
    const taskId = await afterOneStep(await newEmpty());
    expect((await taskOf(taskId)).progress).toMatchObject({ done: 100, failed: 0, total: COUNT, stage: "retrying" });
    await rows("UPDATE task_parts SET not_before_ms = 0 WHERE task_id = ?", taskId);
    await bellOf(taskId);
    expect((await taskOf(taskId)).progress).toMatchObject({ done: COUNT, failed: 0, total: COUNT, stage: "ended" });
  });

  it.each(["export", "analyze", "rebuild"])(
    "ends as error when the collection is deleted meanwhile: %s",
    async (operation) => {
      const id = await filled();
      arm("drops", "queue: sendBatch", 1_000);
      const taskId = await startWork(operation, id);
      await rows("UPDATE collections SET deleted_at_ms = 1 WHERE id = ?", id);
      await bellOf(taskId);
      expect(await taskOf(taskId)).toMatchObject({ status: "error", error: { code: "reference-gone" } });
    },
  );

  it("two imports of one file at once, into two collections, lose nothing", async () => {
    const memories = Array.from({ length: 300 }, (_, i) => ({
      memory_id: `memory_${crypto.randomUUID().replaceAll("-", "")}`,
      text: `memory ${i}`,
    }));
    const [one, other] = [await newEmpty(), await newEmpty()];
    const tasks = await Promise.all([imported(one, ndjson(...memories)), imported(other, ndjson(...memories))]);
    expect(tasks.map(({ result }) => result.created)).toEqual([300, 300]);
    expect([(await exported(one)).memories.length, (await exported(other)).memories.length]).toEqual([300, 300]);
  });
});
