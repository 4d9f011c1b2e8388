import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { openServices } from "../../../src/runtime/composition";
import { Outbox } from "../../../src/runtime/objects/requests/outbox";
import { newId } from "../../../src/domain/ids";
import { firedFaults, arm, databaseCalls, loggedCalls, resetFaults } from "../../support/faults";
import { withFaults } from "../../support/faulty-bindings";
import { rows } from "../../support/scene";

beforeEach(() => resetFaults());

type Entry = Parameters<Outbox["writeRow"]>[0];

/** A row to be written, born canceled: nothing runs. */
function entryOf(): Entry {
  const content = {
    operation: null,
    name: null,
    tags: [],
    memo: null,
    metadata: {},
    command: null,
    subject: null,
    webhook: null,
  };
  const identity = { id: newId("task"), namespaceId: "namespace_of_the_outbox", keyId: "key" };
  const requestId = crypto.randomUUID();
  const task = {
    ...identity,
    requestId,
    ...content,
    type: "batch" as const,
    fingerprint: "f",
    createdAtMs: 1,
    acceptedAtMs: 1,
  };
  return { task, canceled: true, fills: null };
}

describe("the outbox", () => {
  it("writes the rows that come together in one transaction", async () => {
    const outbox = new Outbox(openServices(withFaults(env)));
    const entries = [entryOf(), entryOf(), entryOf()];
    await Promise.all(entries.map((entry) => outbox.writeRow(entry)));
    expect(databaseCalls("INSERT INTO tasks")).toBe(1);
  });

  it("lets a row that cannot be written spoil no other of its transaction", async () => {
    const outbox = new Outbox(openServices(withFaults(env)));
    const [first, ordinary] = [entryOf(), entryOf()];
    const broken = { ...first, task: { ...entryOf().task, keyId: null as unknown as string } };
    const entries = [first, broken, ordinary];
    const answers = await Promise.allSettled(entries.map((entry) => outbox.writeRow(entry)));
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    const ids = JSON.stringify(entries.map(({ task }) => task.id));
    expect(await rows("SELECT id FROM tasks WHERE id IN (SELECT value FROM json_each(?))", ids)).toHaveLength(2);
  });

  it("rings each bell again by itself when the call for all of them fails", async () => {
    const outbox = new Outbox(openServices(withFaults(env)));
    const ids = [newId("task"), newId("task"), newId("task")];
    const first = outbox.ring(ids[0] ?? "");
    arm("fails-before", "queue: sendBatch");
    const answers = await Promise.allSettled([first, ...ids.slice(1).map((id) => outbox.ring(id))]);
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "fulfilled"]);
    expect(firedFaults()).toHaveLength(1);
    expect(loggedCalls().filter((label) => label.startsWith("queue: "))).toHaveLength(4);
  });

  it("looks at the tasks that are due together in one round trip", async () => {
    const outbox = new Outbox(openServices(withFaults(env)));
    const entries = [entryOf(), entryOf()];
    await Promise.all(entries.map((entry) => outbox.writeRow(entry)));
    const ids = [...entries.map(({ task }) => task.id), newId("task")];
    const sights = await Promise.all(ids.map((id) => outbox.look(id)));
    expect(sights.map(({ kind }) => kind)).toEqual(["ended", "ended", "missing"]);
    expect(databaseCalls("AS working")).toBe(1);
  });
});
