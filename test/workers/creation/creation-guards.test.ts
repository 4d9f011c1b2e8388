import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CreationAnswer, CreationCall } from "../../../src/services/ports/task-requests";
import { type Answer, call, until } from "../../support/api";
import { setClaimRate } from "../../support/claim-rate";
import { batchCall } from "../../support/creation-calls";
import { arm, resetFaults, watchCalls } from "../../support/faults";
import { objectOf } from "../../support/placement";
import { refusalOf } from "../../support/refusal";
import { requestRowOf, taskOfRequest } from "../../support/requests-object";
import { rowOf } from "../../support/reserve";
import { batchOf, memoryOf, putBatch, type Scene, scene } from "../../support/scene";

const READ = 'from "agents"';
const INSERT = "INSERT INTO tasks";

beforeEach(() => {
  resetFaults();
  arm("drops", "queue: sendBatch", 1_000);
});

afterEach(() => setClaimRate(undefined));

const agentPath = ({ agentId }: Scene) => `/v1/agents/${agentId}`;
const collectionPath = ({ collectionId }: Scene) => `/v1/collections/${collectionId}`;
const bindingPath = (from: Scene, collectionId: string) => `${agentPath(from)}/collections/${collectionId}`;
const rename = (from: Scene) => call("PATCH", agentPath(from), { body: { name: `renamed ${crypto.randomUUID()}` } });

async function newCollection(): Promise<string> {
  return (await call("PUT", "/v1/collections", { body: { name: "bound" } })).body.collection_id;
}

/** A PUT whose insert waits until something was changed, which its read had not seen. */
async function putAround(from: Scene, change: () => Promise<Answer>) {
  const requestId = crypto.randomUUID();
  const scope = [await taskOfRequest(requestId)];
  const calls = watchCalls(scope);
  let isChanged = false;
  const insert = arm("reorders", INSERT, 1, { scope, heldUntil: () => isChanged });
  const answering = putBatch(requestId, batchOf(from));
  await until(
    async () => insert.fired,
    (fired) => fired === 1,
  );
  expect((await change()).status).toBeLessThan(300);
  isChanged = true;
  const answer = await answering;
  const command = JSON.parse((await rowOf(scope[0] ?? ""))?.command ?? "null");
  const count = (text: string) => calls.filter((label) => label.includes(text)).length;
  return { requestId, answer, command, reads: count(READ), inserts: count(INSERT) };
}

describe("crash table: what is referred to changed between the two trips", () => {
  it("an agent that was renamed: the task holds the new name", async () => {
    const from = await scene(1);
    const { answer, command, reads, inserts } = await putAround(from, () => rename(from));
    expect([answer.status, command.agent.name]).toEqual([201, (await call("GET", agentPath(from))).body.name]);
    expect([reads, inserts]).toEqual([2, 2]);
  });

  it("a collection that was bound, or unbound: the task holds what is bound then", async () => {
    const from = await scene(1);
    const bound = await newCollection();
    const binding = await putAround(from, () => call("PATCH", `${bindingPath(from, bound)}/bind`));
    expect([binding.answer.status, binding.command.boundCollectionIds]).toEqual([201, [bound]]);
    const unbinding = await putAround(from, () => call("PATCH", `${bindingPath(from, bound)}/unbind`));
    expect([unbinding.answer.status, unbinding.command.boundCollectionIds]).toEqual([201, []]);
    expect([binding.inserts, unbinding.inserts]).toEqual([2, 2]);
  });

  it("a bound collection that was deleted: the task does not hold it", async () => {
    const from = await scene(1);
    const bound = await newCollection();
    await call("PATCH", `${bindingPath(from, bound)}/bind`);
    const { answer, command } = await putAround(from, () => call("DELETE", `/v1/collections/${bound}`));
    expect([answer.status, command.boundCollectionIds]).toEqual([201, []]);
  });

  it.each<[string, (from: Scene) => Promise<Answer>, string]>([
    ["an agent that was deleted", (from) => call("DELETE", agentPath(from)), "410 agent-deleted"],
    ["an agent that was removed", (from) => call("DELETE", `${agentPath(from)}?hard=true`), "404 agent-not-found"],
    [
      "an agent that was disabled",
      (from) => call("PATCH", agentPath(from), { body: { enabled: false } }),
      "403 agent-disabled",
    ],
    ["a collection that was deleted", (from) => call("DELETE", collectionPath(from)), "410 collection-deleted"],
    [
      "a collection that was removed",
      (from) => call("DELETE", `${collectionPath(from)}?hard=true`),
      "404 collection-not-found",
    ],
  ])("%s: the request is refused, and no row is left", async (_, change, refusal) => {
    const from = await scene(1);
    const { requestId, answer, inserts } = await putAround(from, () => change(from));
    expect([refusalOf(answer), inserts]).toEqual([refusal, 1]);
    expect(await requestRowOf(await taskOfRequest(requestId))).toBeUndefined();
  });

  it("memories that were added do not count", async () => {
    const from = await scene(1);
    const { answer, reads, inserts } = await putAround(from, () =>
      call("PUT", `${collectionPath(from)}/memories`, { body: { memories: [memoryOf(7)] } }),
    );
    expect([answer.status, reads, inserts]).toEqual([201, 1, 1]);
  });

  it("again and again: after three times it is in doubt, and the repeat makes it", async () => {
    const from = await scene(1);
    const requestId = crypto.randomUUID();
    const scope = [await taskOfRequest(requestId)];
    let renamed = 0;
    // Each insert waits for a change that comes after its read.
    const inserts = arm("reorders", INSERT, 3, { scope, heldUntil: () => renamed >= inserts.fired });
    const answering = putBatch(requestId, batchOf(from));
    for (let round = 1; round <= 3; round++) {
      await until(
        async () => inserts.fired,
        (fired) => fired === round,
      );
      await rename(from);
      renamed = round;
    }
    expect(refusalOf(await answering)).toBe("503 creation-pending");
    expect((await putBatch(requestId, batchOf(from))).status).toBe(201);
  });
});

/** Two creations of one object: what the first referred to is remembered for the second. */
async function createTwice(from: Scene, between: () => Promise<Answer>, more: object = {}) {
  const [first, second] = [await batchCall(from, more), await batchCall(from, more)];
  const create = async (sent: CreationCall): Promise<CreationAnswer | undefined> =>
    (await objectOf(first.taskId).create([sent], null))[0];
  const before = await create(first);
  expect((await between()).status).toBeLessThan(300);
  const calls = watchCalls([second.taskId]);
  const after = await create(second);
  const command = JSON.parse((await rowOf(second.taskId))?.command ?? "null");
  return { before, after, command, trips: calls.filter((label) => label.startsWith("db: ")).length };
}

describe("what an object remembers of references", () => {
  it("never refuses: an agent that was deleted and is back", async () => {
    const from = await scene(1);
    await call("DELETE", agentPath(from));
    const { before, after } = await createTwice(from, () => call("PATCH", `${agentPath(from)}/undelete`));
    expect(before).toMatchObject({ kind: "refused", error: { code: "agent-deleted" } });
    expect(after).toMatchObject({ kind: "made" });
  });

  it("never refuses: a collection that was empty, and has memories by now", async () => {
    const from = await scene([]);
    const { before, after } = await createTwice(from, () =>
      call("PUT", `${collectionPath(from)}/memories`, { body: { memories: [memoryOf(0)] } }),
    );
    expect(before).toMatchObject({ kind: "refused", error: { code: "collection-empty" } });
    expect(after).toMatchObject({ kind: "made" });
  });

  it("lets in only what is still so: an agent that was renamed is read again", async () => {
    const from = await scene(1);
    const { after, command, trips } = await createTwice(from, () => rename(from));
    expect(after).toMatchObject({ kind: "made" });
    expect([command.agent.name, trips]).toEqual([(await call("GET", agentPath(from))).body.name, 3]);
  });

  it("takes one unit of a call's quota, however often what it refers to is read again", async () => {
    const taken: string[] = [];
    setClaimRate((keyId) => taken.push(keyId) > 0);
    const from = await scene(1);
    const { after, trips } = await createTwice(from, () => rename(from));
    expect([after?.kind, trips, taken]).toEqual(["made", 3, ["key_test", "key_test"]]);
  });

  it("lets in only what is still so: an agent that was deleted is refused", async () => {
    const from = await scene(1);
    const { after } = await createTwice(from, () => call("DELETE", agentPath(from)));
    expect(after).toMatchObject({ kind: "refused", error: { code: "agent-deleted" } });
  });
});
