import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdir, rm } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { LOCAL_HOST } from "../../scripts/dev/ports.ts";
import { type Service, useService } from "../support/service.ts";
import {
  expectOnceEach,
  listAll,
  makeScene,
  putBatch,
  readTask,
  reVoicing,
  taskAtEnd,
  taskWhen,
} from "./re-voicing-scene.ts";

/** So many that a run is caught in its middle, twice. */
const MANY_MEMORIES = 400;
const FEW_MEMORIES = 12;
const CALLERS = 16;
const CROWD = 250;

// A short lease, so that what a dead process held is soon free. A kill -9 loses every queued message with the queue: what
// goes on afterwards was brought on by the sweeper and its alarm. No cron runs.
const service = useService({ variables: { LEASE_SECONDS: "3", RING_SECONDS: "2", SWEEP_SECONDS: "2" } });

describe("batches-create, kill -9 after the row stands", () => {
  it("ends the task with every memory once, when the creation was answered", async () => {
    const scene = await makeScene(service, MANY_MEMORIES);
    const requestId = randomUUID();
    const batch = reVoicing(scene, "answered");
    const created = await putBatch(service, requestId, batch);
    expect(created.status).toBe(201);

    await service.kill9();
    await service.start();

    expect(await readTask(service, created.body.id)).toMatchObject({ ended_at: null });
    await expectOnceEach(service, scene, await taskAtEnd(service, created.body.id));
    await expectReplay(requestId, batch, created.body.id);
  });

  it("ends the task with every memory once, when the client never read an answer", async () => {
    const scene = await makeScene(service, FEW_MEMORIES);
    const requestId = randomUUID();
    const batch = reVoicing(scene, "unread");
    const socket = await sendUnread(service, requestId, batch);
    const standing = await vi.waitUntil(() => findRequest(requestId), { timeout: 20_000, interval: 5 });
    expect(socket.bytesRead).toBe(0);

    await service.kill9();
    await service.start();

    await expectOnceEach(service, scene, await taskAtEnd(service, standing.task_id));
    await expectReplay(requestId, batch, standing.task_id);
  });

  it("makes one task of each request, when the crash comes amid many creations", async () => {
    const scene = await makeScene(service, FEW_MEMORIES);
    const requests = Array.from({ length: CALLERS }, (_, index) => ({
      requestId: randomUUID(),
      batch: reVoicing(scene, `caller ${index}`),
    }));
    const sockets = await Promise.all(requests.map((each) => sendUnread(service, each.requestId, each.batch)));
    // The first answer is there: some creations are behind it, some are under way, some have not begun.
    await Promise.any(sockets.map((socket) => once(socket, "readable")));

    await service.kill9();
    await service.start();

    const answers = await Promise.all(requests.map((each) => putBatch(service, each.requestId, each.batch)));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(CALLERS);
    expect(answers.map((answer) => answer.status)).toContain(200);
    for (const [index, { requestId, batch }] of requests.entries()) {
      const { id } = answers[index]?.body ?? {};
      await expectOnceEach(service, scene, await taskAtEnd(service, id));
      await expectReplay(requestId, batch, id);
    }
    const targets = (await listAll(service, "/v1/collections")).filter((each) => each.agent_id === scene.agentId);
    expect(targets).toHaveLength(CALLERS);
  });
});

describe("batches-create, in a storm across a restart", () => {
  it("makes one task of one id that a crowd sends before, during and after a crash", async () => {
    const scene = await makeScene(service, FEW_MEMORIES);
    const requestId = randomUUID();
    const batch = reVoicing(scene, "storm");
    const crowd = () => Array.from({ length: CROWD }, () => putBatch(service, requestId, batch));
    const before = crowd();
    // Some are answered by then, most are not.
    await Promise.any(before);

    await service.kill9();
    const answered = (await Promise.allSettled(before)).flatMap((each) =>
      each.status === "fulfilled" ? [each.value] : [],
    );
    await service.start();
    const after = await Promise.all(crowd());

    const firsts = [...answered, ...after].filter(({ status }) => status === 201);
    expect(firsts.length).toBeLessThanOrEqual(1);
    expect(after.every(({ status }) => status === 200 || status === 201)).toBe(true);
    const ids = new Set([...answered, ...after].map(({ body }) => body.id));
    expect(ids.size).toBe(1);
    const [id = ""] = ids;
    await expectOnceEach(service, scene, await taskAtEnd(service, id));
    const targets = (await listAll(service, "/v1/collections")).filter((each) => each.agent_id === scene.agentId);
    expect(targets).toHaveLength(1);
  });
});

describe("batches-create, kill -9 in mid-run", () => {
  it("goes on from the checkpoints after each of two crashes, and ends with every memory once", async () => {
    const scene = await makeScene(service, MANY_MEMORIES);
    const requestId = randomUUID();
    const batch = reVoicing(scene, "mid-run");
    const { id } = (await putBatch(service, requestId, batch)).body;

    let doneBefore = 0;
    for (let crash = 1; crash <= 2; crash += 1) {
      await taskWhen(service, id, ({ progress }) => progress.done > doneBefore && progress.done < progress.total);
      await service.kill9();
      await service.start();
      const { progress, ended_at } = await readTask(service, id);
      expect(ended_at).toBeNull();
      // What was checkpointed stays.
      expect(progress.done).toBeGreaterThan(doneBefore);
      expect(progress.done).toBeLessThan(progress.total);
      doneBefore = progress.done;
    }

    await expectOnceEach(service, scene, await taskAtEnd(service, id));
    await expectReplay(requestId, batch, id);
  });
});

describe("the sweeper, after a kill -9", () => {
  it("brings a task on without anything that its object could have kept: the row is all there is", async () => {
    const scene = await makeScene(service, MANY_MEMORIES);
    const { id } = (await putBatch(service, randomUUID(), reVoicing(scene, "without its object"))).body;
    await taskWhen(service, id, ({ progress }) => progress.done > 0 && progress.done < progress.total);
    await service.kill9();
    expect(await removeObjects(service.stateDir)).toBe(1);
    await service.start();
    await expectOnceEach(service, scene, await taskAtEnd(service, id));
  });
});

/** Removes the storage of all requests' objects. @returns how many folders that was. */
async function removeObjects(stateDir: string): Promise<number> {
  const objects = join(stateDir, "v3/do");
  const folders = (await readdir(objects)).filter((name) => name.endsWith("TaskRequestObject"));
  for (const folder of folders) await rm(join(objects, folder), { recursive: true });
  return folders.length;
}

async function expectReplay(requestId: string, batch: unknown, taskId: string): Promise<void> {
  const again = await putBatch(service, requestId, batch);
  expect([again.status, again.headers.get("idempotent-replayed"), again.body.id]).toEqual([200, "true", taskId]);
}

async function findRequest(requestId: string): Promise<{ readonly task_id: string } | undefined> {
  const { status, body } = await service.call("GET", `/v1/requests/${requestId}`);
  return status === 200 ? body : undefined;
}

/** Sends the creation over a bare socket, of which nothing is read until somebody asks for it. */
async function sendUnread({ port, key }: Service, requestId: string, batch: unknown): Promise<Socket> {
  const body = JSON.stringify(batch);
  // Paused before it is connected: else Node would already take the answer from the system.
  const socket = connect({ host: LOCAL_HOST, port }).pause();
  // The crash resets the connection, and nobody minds.
  socket.on("error", () => undefined);
  const head = [
    "PUT /v1/batches HTTP/1.1",
    `host: ${LOCAL_HOST}:${port}`,
    `authorization: Bearer ${key}`,
    `requestId: ${requestId}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  await new Promise((resolve) => socket.write(`${head.join("\r\n")}\r\n\r\n${body}`, resolve));
  return socket;
}
