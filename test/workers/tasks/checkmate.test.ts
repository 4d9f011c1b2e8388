import { beforeEach, describe, expect, it } from "vitest";
import { call, until } from "../../support/api";
import { arm, databaseCalls, firedFaults, loggedCalls, resetFaults, watchCalls } from "../../support/faults";
import { bellOf } from "../../support/requests-object";
import { batchOf, endOf, putBatch, reVoiced, rows, scene, taskOf } from "../../support/scene";

beforeEach(() => resetFaults());

async function start(...args: Parameters<typeof batchOf>): Promise<string> {
  return (await putBatch(crypto.randomUUID(), batchOf(...args))).body.id;
}

const waitFor = (id: string) => call("GET", `/v1/checkmate/tasks/${id}/status`, { headers: { Prefer: "wait=25" } });

describe("checkmate-task-status", () => {
  it("answers at once without a preference", async () => {
    const from = await scene(2);
    arm("drops", "queue: sendBatch");
    const answer = await call("GET", `/v1/checkmate/tasks/${await start(from)}/status`);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ status: "created", progress: { stage: "waiting", total: null } });
    expect(answer.headers.get("preference-applied")).toBeNull();
  });

  it("is woken at the end of the task, and has then read D1 three times", async () => {
    const from = await scene(40);
    arm("drops", "queue: sendBatch");
    const id = await start(from);
    const before = databaseCalls("json_array(");
    const status = waitFor(id);
    await until(
      async () => databaseCalls("json_array(") - before,
      (reads) => reads === 2,
    );
    await bellOf(id);
    const { body, headers } = await status;
    expect(headers.get("preference-applied")).toBe("wait=25");
    expect(body.status).toBe("complete");
    // Reads of the shape that shows a task: nothing but showing one makes them. The call's own, the waiter's when it has
    // registered, and its next when it is woken.
    expect(databaseCalls("json_array(") - before).toBe(3);
  });

  it("costs three reads of D1 too when the time runs out before the end", async () => {
    const from = await scene(2);
    arm("drops", "queue: sendBatch", 100);
    const id = await start(from);
    resetFaults();
    arm("drops", "queue: sendBatch", 100);
    const answer = await call("GET", `/v1/checkmate/tasks/${id}/status`, { headers: { Prefer: "wait=3" } });
    expect(answer.body.status).toBe("created");
    expect(databaseCalls("json_array(")).toBe(3);
  });

  it("wakes a hundred waiting calls at once", async () => {
    const from = await scene(30);
    arm("drops", "queue: sendBatch");
    const id = await start(from);
    const waiting = Array.from({ length: 100 }, () => waitFor(id));
    await until(
      async () => loggedCalls().filter((label) => label === "object: waitForEnd").length,
      (calls) => calls === 100,
    );
    await bellOf(id);
    const answers = await Promise.all(waiting);
    expect(answers.every((answer) => answer.body.status === "complete")).toBe(true);
  });

  it("does not wait for a task that has ended", async () => {
    const from = await scene(1);
    const id = await start(from);
    await endOf(id);
    const calls = watchCalls([id]);
    await call("GET", `/v1/checkmate/tasks/${id}/status`, { headers: { Prefer: "wait=25" } });
    expect(calls.filter((label) => label.startsWith("object:"))).toEqual([]);
    expect(calls).not.toEqual([]);
  });

  it("shows the task as it is when the wait breaks", async () => {
    const from = await scene(1);
    arm("drops", "queue: sendBatch");
    const id = await start(from);
    arm("fails-before", "object: waitForEnd");
    const answer = await call("GET", `/v1/checkmate/tasks/${id}/status`, { headers: { Prefer: "wait=25" } });
    expect([answer.status, answer.body.status]).toEqual([200, "created"]);
    expect(firedFaults()).toContain("object: waitForEnd");
  });

  it("ignores a preference that it cannot read, and takes more than 30 seconds for 30", async () => {
    const id = await start(await scene(1));
    const status = (prefer: string) => call("GET", `/v1/checkmate/tasks/${id}/status`, { headers: { Prefer: prefer } });
    expect((await status("wait=soon")).headers.get("preference-applied")).toBeNull();
    expect((await status("respond-async, wait=9000")).headers.get("preference-applied")).toBe("wait=30");
  });
});

describe("checkmate-task-cancel", () => {
  it("ends a task in mid-run at once, and nothing is written for it any more", async () => {
    const from = await scene(600);
    const id = await start(from);
    await until(
      () => taskOf(id),
      (task) => task.progress.done > 0,
    );
    const canceled = await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    expect(canceled.body).toMatchObject({ status: "canceled", progress: { stage: "ended" } });
    const made = (await reVoiced(id)).length;
    expect(made).toBeLessThan(600);
    expect(canceled.body.result.re_voiced).toBe(made);
    expect(await rows("SELECT part FROM task_parts WHERE task_id = ? AND lease_token IS NOT NULL", id)).toEqual([]);
    // A whole other task goes through the queue behind it: by then every bell of the canceled one was answered.
    await endOf(await start(await scene(30)));
    expect(await reVoiced(id)).toHaveLength(made);
    expect((await taskOf(id)).status).toBe("canceled");
  });

  it("ends a task that has not begun", async () => {
    const from = await scene(2);
    arm("drops", "queue: sendBatch");
    const id = await start(from);
    const canceled = await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    expect(canceled.body).toMatchObject({ status: "canceled", result: null });
    await endOf(await start(await scene(2)));
    expect(await reVoiced(id)).toEqual([]);
  });

  it("leaves a task that has ended as it is, however often it is asked", async () => {
    const id = await start(await scene(2));
    const ended = await endOf(id);
    for (let i = 0; i < 2; i++) {
      const answer = await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
      expect([answer.status, answer.body]).toEqual([200, ended]);
    }
  });

  it("does not touch another task", async () => {
    const from = await scene(2);
    arm("drops", "queue: sendBatch", 2);
    const [canceled, other] = [await start(from), await start(from)];
    await call("PATCH", `/v1/checkmate/tasks/${canceled}/cancel`);
    await bellOf(other);
    expect((await endOf(other)).status).toBe("complete");
  });

  it("wakes who waits", async () => {
    const from = await scene(2);
    arm("drops", "queue: sendBatch", 100);
    const id = await start(from);
    const status = waitFor(id);
    await until(
      async () => loggedCalls(),
      (calls) => calls.includes("object: waitForEnd"),
    );
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    expect((await status).body.status).toBe("canceled");
  });

  it("replays the canceled task for its requestId: canceling frees no id", async () => {
    const from = await scene(2);
    const requestId = crypto.randomUUID();
    arm("drops", "queue: sendBatch");
    const { id } = (await putBatch(requestId, batchOf(from))).body;
    await call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);
    const again = await putBatch(requestId, batchOf(from));
    expect([again.status, again.body.id, again.body.state]).toEqual([200, id, "killed"]);
  });
});

describe("checkmate-tasks-list", () => {
  it("filters by status, tag, operation, type and time, and pages both ways without gap or double", async () => {
    const from = await scene(1);
    const tag = crypto.randomUUID();
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push(await start(from, { tags: [tag, `n${i % 2}`] }));
    await Promise.all(ids.map((id) => endOf(id)));
    const list = async (query: string) =>
      (await call("GET", `/v1/checkmate/tasks?tag=${tag}&${query}`)).body.items.map((task: any) => task.task_id);
    expect(await list("")).toEqual(ids.toReversed());
    expect(await list("sort=created_at")).toEqual(ids);
    expect(await list("tag=n1")).toEqual([ids[3], ids[1]]);
    expect(await list("status=complete&status=error")).toHaveLength(5);
    expect(await list("status=running")).toEqual([]);
    expect(await list("operation=re-voice&type=batch")).toHaveLength(5);
    expect(await list("type=interactive")).toEqual([]);
    const third = (await taskOf(ids[2] ?? "")).created_at;
    expect(await list(`since=${third}`)).toContain(ids[2]);
    for (const sort of ["created_at", "-created_at"]) {
      const seen: string[] = [];
      let path: string | null = `/v1/checkmate/tasks?tag=${tag}&limit=2&sort=${sort}`;
      while (path !== null) {
        const page = await call("GET", path);
        seen.push(...page.body.items.map((task: any) => task.task_id));
        path = page.body.next_cursor && (/<(.*)>; rel="next"/.exec(page.headers.get("link") ?? "")?.[1] ?? "none");
      }
      expect(seen).toEqual(sort === "created_at" ? ids : ids.toReversed());
    }
  });
});

describe("batches-list", () => {
  it("filters by request id, name and Livy's states", async () => {
    const from = await scene(1);
    const name = crypto.randomUUID();
    const id = await start(from, { name });
    const task = await endOf(id);
    const list = async (query: string) =>
      (await call("GET", `/v1/batches?name=${name}&${query}`)).body.items.map((batch: any) => batch.id);
    expect(await list("state=success")).toEqual([id]);
    expect(await list("state=running")).toEqual([]);
    expect(await list(`request_id=${task.request_id.toUpperCase()}`)).toEqual([id]);
    expect(await list(`request_id=${crypto.randomUUID()}`)).toEqual([]);
  });
});

describe("batch-state", () => {
  it("speaks Livy's words", async () => {
    const id = await start(await scene(1));
    await endOf(id);
    expect((await call("GET", `/v1/batches/${id}/state`)).body).toEqual({ id, state: "success" });
    expect((await call("GET", `/v1/batches/${id}`)).body).toMatchObject({ id, task_id: id, state: "success" });
  });
});

describe("checkmate-task-items-list", () => {
  it("shows each memory's verdict, source and result, in pages and by verdict", async () => {
    const from = await scene(5);
    const id = await start(from);
    await endOf(id);
    const path = `/v1/checkmate/tasks/${id}/items`;
    const first = await call("GET", `${path}?limit=3`);
    const second = await call("GET", `${path}?limit=3&cursor=${first.body.next_cursor}`);
    const items = [...first.body.items, ...second.body.items];
    expect(items.map((item: any) => item.position)).toEqual([0, 1, 2, 3, 4]);
    expect(items.every((item: any) => item.verdict === "re_voiced" && item.memory_id !== null)).toBe(true);
    expect(new Set(items.map((item: any) => item.source_memory_id))).toEqual(new Set(from.memoryIds));
    expect(second.body.next_cursor).toBeNull();
    expect((await call("GET", `${path}?verdict=failed`)).body.items).toEqual([]);
  });

  it("refuses a cursor of another task", async () => {
    const from = await scene(3);
    const [a, b] = [await start(from), await start(from)];
    await Promise.all([endOf(a), endOf(b)]);
    const { next_cursor } = (await call("GET", `/v1/checkmate/tasks/${a}/items?limit=1`)).body;
    const refused = await call("GET", `/v1/checkmate/tasks/${b}/items?cursor=${next_cursor}`);
    expect([refused.status, refused.body.code]).toEqual([400, "cursor-invalid"]);
  });
});
