import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openServices } from "../../../src/runtime/composition";
import { createTogether, type FlyingCall } from "../../../src/services/creation/flight";
import { notFound } from "../../../src/services/errors/errors";
import type { CalledBulk, CreationCall } from "../../../src/services/ports/task-requests";
import { adminsNamespace, batchCall } from "../../support/creation-calls";
import { arm, resetFaults } from "../../support/faults";
import { withFaults } from "../../support/faulty-bindings";
import { requestRowOf, taskOfRequest } from "../../support/requests-object";
import { rowOf } from "../../support/reserve";
import { type Scene, scene } from "../../support/scene";

const BULK = "'bulk'";

let from: Scene;
beforeAll(async () => {
  from = await scene(1);
});
beforeEach(() => {
  resetFaults();
  arm("drops", "queue: sendBatch", 1_000);
});

/** A bulk under a request id, told from others under it by its items. */
async function bulkOf(requestId: string, fingerprint: string): Promise<CalledBulk> {
  const [id, namespaceId] = [await taskOfRequest(requestId), await adminsNamespace()];
  return { id, namespaceId, requestId, callId: crypto.randomUUID(), material: "{}", fingerprint };
}

/** Two bulks with one request id. */
async function twoBulks(): Promise<readonly [CalledBulk, CalledBulk]> {
  const requestId = crypto.randomUUID();
  return [await bulkOf(requestId, "these items"), await bulkOf(requestId, "those items")];
}

const itemOf = async (bulk: CalledBulk, sent?: CreationCall): Promise<FlyingCall> => ({
  ...(sent ?? (await batchCall(from))),
  callId: crypto.randomUUID(),
  bulk,
});

/** One flight. @returns what each call is told. */
async function fly(...calls: readonly FlyingCall[]): Promise<readonly string[]> {
  const answers = await createTogether(openServices(withFaults(env)), calls);
  return answers.map((answer) => {
    if (answer.kind === "mismatch") return answer.isOfBulk ? "mismatch of the bulk" : "mismatch";
    return answer.kind === "refused" ? answer.error.code : answer.kind;
  });
}

/** A task that was made before, as an item of a bulk. */
async function madeBefore(): Promise<CreationCall> {
  const sent = await batchCall(from);
  expect(await fly({ ...sent, bulk: null })).toEqual(["made"]);
  return sent;
}

describe("two bulks with one request id in one flight", () => {
  it("are one bulk and one other request: that makes nothing, however its items lie between", async () => {
    const [one, other] = await twoBulks();
    const calls = [await itemOf(one), await itemOf(other), await itemOf(one), await itemOf(other)];
    const refused = "mismatch of the bulk";
    expect(await fly(...calls)).toEqual(["made", refused, "made", refused]);
    expect((await requestRowOf(one.id)).fingerprint).toBe(one.fingerprint);
    for (const call of calls.filter(({ bulk }) => bulk === other))
      expect([await rowOf(call.taskId), await requestRowOf(call.taskId)]).toEqual([undefined, undefined]);
  });

  it("are the bulk of which something is accepted, and one other request", async () => {
    const [one, other] = await twoBulks();
    const wanted = { ok: false, error: notFound("memory").value } as const;
    const shared = await batchCall(from);
    const calls = [{ ...(await itemOf(one, shared)), wanted, fingerprint: "f" }, await itemOf(other, shared)];
    expect(await fly(...calls)).toEqual(["memory-not-found", "made"]);
    expect((await requestRowOf(one.id)).fingerprint).toBe(other.fingerprint);
  });

  it("are told apart too where both only find what was there", async () => {
    const [one, other] = await twoBulks();
    const before = await madeBefore();
    expect(await fly(await itemOf(one, before), await itemOf(other, before))).toEqual([
      "replayed",
      "mismatch of the bulk",
    ]);
  });
});

describe("an item that two bulks share", () => {
  it("is made by one and found by the other, and both have their rows", async () => {
    const [one, other] = [await bulkOf(crypto.randomUUID(), "one"), await bulkOf(crypto.randomUUID(), "other")];
    const shared = await batchCall(from);
    expect(await fly(await itemOf(one, shared), await itemOf(other, shared))).toEqual(["made", "replayed"]);
    expect((await requestRowOf(shared.taskId)).bulk_id).toBe(one.id);
    expect([(await requestRowOf(one.id)).door, (await requestRowOf(other.id)).door]).toEqual(["bulk", "bulk"]);
  });
});

describe("a bulk whose items are all there", () => {
  it("is accepted with its row, though the first write of that is lost", async () => {
    const bulk = await bulkOf(crypto.randomUUID(), "found");
    const lost = arm("fails-before", BULK, 1, { scope: [bulk.id] });
    expect(await fly(await itemOf(bulk, await madeBefore()))).toEqual(["replayed"]);
    expect([lost.fired, (await requestRowOf(bulk.id)).door]).toEqual([1, "bulk"]);
  });

  it("is in doubt while its row cannot be written: an id that was accepted is always found", async () => {
    const bulk = await bulkOf(crypto.randomUUID(), "found");
    const before = await madeBefore();
    arm("fails-before", BULK, 1_000, { scope: [bulk.id] });
    expect(await fly(await itemOf(bulk, before))).toEqual(["unproven"]);
    expect(await requestRowOf(bulk.id)).toBeUndefined();
    resetFaults();
    expect(await fly(await itemOf(bulk, before))).toEqual(["replayed"]);
  });
});
