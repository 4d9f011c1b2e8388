import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "../../../src/data/database/database";
import { serviceClock } from "../../../src/runtime/clock";
import { openServices } from "../../../src/runtime/composition";
import { TaskRequestObject } from "../../../src/runtime/objects/requests/task-request-object";
import { call, until } from "../../support/api";
import { adminsNamespace } from "../../support/creation-calls";
import { arm, resetFaults, watchCalls } from "../../support/faults";
import { newTenant } from "../../support/nouns";
import { objectOf } from "../../support/placement";
import { silentTask } from "../../support/requests-object";
import { batchOf, putBatch, rows, scene } from "../../support/scene";

const LOOK = 'from "tasks"';
const ENDED = "object: ended";
/** Longer than any test may take: who waits so long was not woken. */
const FOR_EVER_MS = 600_000;

beforeEach(() => resetFaults());

const cancel = (id: string) => call("PATCH", `/v1/checkmate/tasks/${id}/cancel`);

/** Somebody waits for the end of a task, and has looked once. */
async function waiterOf(taskId: string, timeoutMs = FOR_EVER_MS) {
  const looks = watchCalls([taskId]);
  const seen = (count: number) =>
    until(
      async () => looks.filter((label) => label.startsWith("db: select") && label.includes(LOOK)).length,
      (found) => found >= count,
    );
  const of = { namespaceId: await adminsNamespace(), taskId };
  const answer: Promise<unknown> = Promise.resolve(objectOf(taskId).waitForEnd(of, timeoutMs));
  await seen(1);
  return { answer, seen };
}

describe("who waits for the end of a task", () => {
  it("is told when it ends, with the task as it is then", async () => {
    const id = await silentTask(await scene(1));
    const { answer } = await waiterOf(id);
    await cancel(id);
    expect(await answer).toMatchObject({ id, status: "canceled", run: 1 });
  });

  it("is told at once of one that has ended", async () => {
    const id = await silentTask(await scene(1));
    await cancel(id);
    const { answer } = await waiterOf(id);
    expect(await answer).toMatchObject({ status: "canceled" });
  });

  it("gets the task as it is when the time is over, and looks a last time for that", async () => {
    const id = await silentTask(await scene(1));
    const { answer, seen } = await waiterOf(id, 300);
    expect(await answer).toMatchObject({ status: "created" });
    await seen(2);
  });

  it("learns nothing of a task that there is not, or that is another namespace's", async () => {
    const id = await silentTask(await scene(1));
    const { namespaceId } = await newTenant();
    expect(await objectOf(id).waitForEnd({ namespaceId, taskId: id }, FOR_EVER_MS)).toBeUndefined();
  });

  it("holds up nobody: the same object answers others of the same id meanwhile", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    const id = await silentTask(from, requestId);
    const { answer } = await waiterOf(id);
    expect((await putBatch(requestId, batchOf(from))).status).toBe(200);
    await cancel(id);
    expect(await answer).toMatchObject({ status: "canceled" });
  });

  it("registers first and looks then: an end that falls between its look and its wait is not missed", async () => {
    const id = await silentTask(await scene(1));
    const of = { namespaceId: await adminsNamespace(), taskId: id };
    const told = await runInDurableObject(objectOf(id), async (_, state) => {
      const { db, isDone, go } = lateAnswers();
      const object = new TaskRequestObject(state, env, { ...openServices(env), db });
      const waiting = object.waitForEnd(of, FOR_EVER_MS);
      await isDone;
      await rows("UPDATE tasks SET status = 'canceled', ended_at_ms = 1 WHERE id = ?", id);
      object.ended(id);
      go();
      return waiting;
    });
    expect(told?.status).toBe("canceled");
  });
});

/** A database that carries out its statements at once, and answers when it is let go. */
function lateAnswers() {
  const [done, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const late = (statement: D1PreparedStatement): D1PreparedStatement =>
    new Proxy(statement, {
      get: (target, key) => {
        if (key === "bind") return (...values: unknown[]) => late(target.bind(...values));
        const method: unknown = Reflect.get(target, key);
        if (typeof method !== "function") return method;
        return async (...values: unknown[]) => {
          const result: unknown = await Reflect.apply(method, target, values);
          done.resolve();
          await gate.promise;
          return result;
        };
      },
    });
  const binding = new Proxy(env.DB, {
    get: (target, key) =>
      key === "prepare" ? (sql: string) => late(target.prepare(sql)) : (Reflect.get(target, key) as unknown),
  });
  return { db: openDatabase(binding, serviceClock), isDone: done.promise, go: gate.resolve };
}

describe("crash table: a wake is lost, doubled, or of a former run", () => {
  it("lost: it costs the limit of the wait, and no more", async () => {
    const id = await silentTask(await scene(1));
    const { answer } = await waiterOf(id, 1_500);
    const lost = arm("fails-before", ENDED, 1, { scope: [id] });
    await cancel(id);
    expect(lost.fired).toBe(1);
    expect(await answer).toMatchObject({ status: "canceled" });
  });

  it("doubled, or for no reason: it looks at the row, and waits on", async () => {
    const id = await silentTask(await scene(1));
    const { answer, seen } = await waiterOf(id);
    await objectOf(id).ended(id);
    await seen(2);
    await objectOf(id).ended(id);
    await seen(3);
    arm("doubles", ENDED, 1, { scope: [id] });
    await cancel(id);
    expect(await answer).toMatchObject({ status: "canceled" });
  });

  it("of a former run: the wait goes on until the present one ends", async () => {
    const id = await silentTask(await scene(1));
    await cancel(id);
    expect((await call("PATCH", `/v1/checkmate/tasks/${id}/invoke`)).status).toBe(202);
    const { answer, seen } = await waiterOf(id);
    // The end of the first run is told late.
    await objectOf(id).ended(id);
    await seen(2);
    await cancel(id);
    expect(await answer).toMatchObject({ status: "canceled", run: 2 });
  });
});
