import { beforeEach, describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { resetFaults } from "../../support/faults";
import { newTenant, problemOf } from "../../support/nouns";
import { pointersOf, refusalOf } from "../../support/refusal";
import { fill, type Held, reserved, rowOf } from "../../support/reserve";
import { batchOf, endOf, onceEach, putBatch, rows, scene } from "../../support/scene";

beforeEach(() => resetFaults());

const WRONG_KEY = `0.${"0".repeat(64)}`;
const UNKNOWN_ID = `task_${"0".repeat(32)}`;

/** Sends the key in the body. */
function fillByBody({ id }: Pick<Held, "id">, body: unknown, headers: Record<string, string> = {}) {
  return call("PUT", `/v1/batches/${id}`, { body, headers });
}

/** Sends wrong keys until they are limited. @returns how many were answered otherwise before. */
async function guessUntilLimited(held: Held): Promise<number> {
  for (let wrong = 0; wrong < 30; wrong++) {
    const refusal = refusalOf(await fill({ ...held, putKey: WRONG_KEY }, {}));
    if (refusal === "429 rate-limited") return wrong;
    expect(refusal).toBe("403 put-key-invalid");
  }
  throw new Error("Wrong keys are not limited.");
}

describe("batch-create", () => {
  it("answers 201 with the task under the reserved id, and runs it once", async () => {
    const from = await scene(3);
    const held = await reserved();
    const answer = await fill(held, batchOf(from, { memo: "mine" }));
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ id: held.id, status: "created", request_id: held.requestId, memo: "mine" });
    expect(answer.headers.get("location")).toBe(`/v1/batches/${held.id}`);
    expect(answer.headers.get("idempotent-replayed")).toBe("false");
    expect(await onceEach(from, await endOf(held.id))).toBe(true);
  });

  it("answers 200 to the same again, in any state, with the task as it is now", async () => {
    const from = await scene(2);
    const held = await reserved();
    await fill(held, batchOf(from));
    const early = await fill(held, batchOf(from));
    expect([early.status, early.body.id]).toEqual([200, held.id]);
    expect(early.headers.get("idempotent-replayed")).toBe("true");
    const task = await endOf(held.id);
    const late = await fill(held, batchOf(from));
    expect([late.status, late.body.status, late.body.result]).toEqual([200, "complete", task.result]);
    expect(await onceEach(from, await endOf(held.id))).toBe(true);
  });

  it("replays when the agent and the collection are gone", async () => {
    const from = await scene(1);
    const held = await reserved();
    await fill(held, batchOf(from));
    await endOf(held.id);
    await call("DELETE", `/v1/agents/${from.agentId}`);
    await rows("DELETE FROM collections WHERE id = ?", from.collectionId);
    const again = await fill(held, batchOf(from));
    expect([again.status, again.body.status]).toEqual([200, "complete"]);
  });

  it("refuses another body with 422 and pointers to what differs, and leaves the task as it is", async () => {
    const from = await scene(1);
    const held = await reserved();
    await fill(held, batchOf(from));
    await endOf(held.id);
    const before = await rowOf(held.id);
    const other = await fill(held, batchOf(from, { name: "x", target: { name: "other" } }));
    expect(refusalOf(other)).toBe("422 request-id-reused");
    expect(other.body.mismatch.toSorted()).toEqual(["/name", "/target/name"]);
    expect(await rowOf(held.id)).toEqual(before);
  });

  it("answers one of a hundred identical calls at once with 201, the others with 200", async () => {
    const from = await scene(2);
    const held = await reserved();
    const answers = await Promise.all(Array.from({ length: 100 }, () => fill(held, batchOf(from))));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(99);
    expect(await onceEach(from, await endOf(held.id))).toBe(true);
  });

  it("lets one of two bodies at once win; the other is refused", async () => {
    const from = await scene(1);
    for (let round = 0; round < 5; round++) {
      const held = await reserved();
      const bodies = [batchOf(from, { name: "one" }), batchOf(from, { name: "two" })];
      const answers = await Promise.all(bodies.map((body) => fill(held, body)));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 422]);
      const won = answers.find(({ status }) => status === 201);
      expect((await rowOf(held.id)).name).toBe(won?.body.name);
    }
  });

  it("takes the key as put_key in the body: it is no part of the request", async () => {
    const from = await scene(1);
    const held = await reserved();
    expect((await fillByBody(held, batchOf(from, { put_key: held.putKey }))).status).toBe(201);
    expect((await fill(held, batchOf(from))).status).toBe(200);
    expect((await fill(held, batchOf(from, { put_key: held.putKey }))).status).toBe(200);
  });

  it("refuses two keys that differ, though one is right", async () => {
    const held = await reserved();
    const body = batchOf(await scene(1), { put_key: WRONG_KEY });
    expect(refusalOf(await fill(held, body))).toBe("403 put-key-invalid");
    expect((await rowOf(held.id)).status).toBe("unbound");
  });

  it("refuses a call without a key with 400", async () => {
    const held = await reserved();
    for (const body of [{}, { put_key: "" }])
      expect(refusalOf(await fillByBody(held, body))).toBe("400 put-key-missing");
    expect(refusalOf(await fillByBody(held, {}, { putKey: "" }))).toBe("400 put-key-missing");
  });

  it.each(["wrong", WRONG_KEY, "1.00", "0.", null, 1, {}, ["a"]])("refuses the key %j with 403", async (key) => {
    const held = await reserved();
    expect(refusalOf(await fillByBody(held, { put_key: key }))).toBe("403 put-key-invalid");
    expect((await rowOf(held.id)).status).toBe("unbound");
  });

  it("refuses the key of another id", async () => {
    const [held, other] = [await reserved(), await reserved()];
    expect(refusalOf(await fill({ ...held, putKey: other.putKey }, {}))).toBe("403 put-key-invalid");
  });

  it("refuses the right key in other words: shortened, longer, of another version, in capitals", async () => {
    const held = await reserved();
    const [version, mac = ""] = held.putKey.split(".");
    const keys = [`${version}.${mac.slice(0, -1)}`, `${held.putKey}0`, `1.${mac}`, `${version}.${mac.toUpperCase()}`];
    for (const putKey of keys) expect(refusalOf(await fill({ ...held, putKey }, {}))).toBe("403 put-key-invalid");
  });

  it("answers the same 404 for an unknown, a malformed and a foreign id, whatever the key", async () => {
    const tenant = await newTenant();
    const foreign = (await call("POST", "/v1/batches/id", { key: tenant.key })).body;
    const ids = [UNKNOWN_ID, "no-id-of-ours", "id", "%00", "x".repeat(2_000), foreign.id];
    const answers = await Promise.all(
      ids.flatMap((id) => [WRONG_KEY, foreign.put_key].map((putKey) => fill({ id, putKey }, {}))),
    );
    expect(refusalOf(answers[0] ?? fail())).toBe("404 task-not-found");
    expect(answers.map(problemOf)).toEqual(answers.map(() => problemOf(answers[0] ?? fail())));
  });

  it("refuses every key for the id of a task that another door made: nobody has reserved it", async () => {
    const { id } = (await putBatch(crypto.randomUUID(), batchOf(await scene(1)))).body;
    expect(refusalOf(await fill({ id, putKey: WRONG_KEY }, {}))).toBe("403 put-key-invalid");
  });

  it("does not use up the reservation when it refuses the body or a reference", async () => {
    const from = await scene(1);
    const held = await reserved();
    const unknown = await fill(held, batchOf(from, { colour: "red" }));
    expect([refusalOf(unknown), pointersOf(unknown)]).toEqual(["422 validation-failed", ["/colour"]]);
    const agent = `agent_${"0".repeat(32)}`;
    expect(refusalOf(await fill(held, batchOf(from, { agent_id: agent })))).toBe("404 agent-not-found");
    expect(refusalOf(await fill(held, { items: [batchOf(from)] }))).toBe("422 validation-failed");
    expect((await rowOf(held.id)).status).toBe("unbound");
    expect((await fill(held, batchOf(from))).status).toBe(201);
  });

  it("refuses an unknown field of a filled id as another request, with its pointer", async () => {
    const from = await scene(1);
    const held = await reserved();
    await fill(held, batchOf(from));
    const answer = await fill(held, batchOf(from, { colour: "red" }));
    expect([refusalOf(answer), answer.body.mismatch]).toEqual(["422 request-id-reused", ["/colour"]]);
  });

  it("waits for the end as Prefer asks", async () => {
    const held = await reserved();
    const answer = await fill(held, batchOf(await scene(1)), { Prefer: "wait=20" });
    expect([answer.status, answer.body.status]).toEqual([201, "complete"]);
    expect(answer.headers.get("preference-applied")).toBe("wait=20");
  });
});

describe("wrong put keys", () => {
  it("are limited a minute, while the right key still passes", async () => {
    const from = await scene(1);
    const held = await reserved();
    expect(await guessUntilLimited(held)).toBeGreaterThan(0);
    const refused = await fill({ ...held, putKey: WRONG_KEY }, {});
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await fill(held, batchOf(from))).status).toBe(201);
  });

  it("of one id do not limit another", async () => {
    const [held, other] = [await reserved(), await reserved()];
    await guessUntilLimited(held);
    expect(refusalOf(await fill({ ...other, putKey: WRONG_KEY }, {}))).toBe("403 put-key-invalid");
  });

  it("do not count once the id is filled: there is nothing to guess for", async () => {
    const held = await reserved();
    await fill(held, batchOf(await scene(1)));
    const answers = await Promise.all(Array.from({ length: 30 }, () => fill({ ...held, putKey: WRONG_KEY }, {})));
    expect(new Set(answers.map(refusalOf))).toEqual(new Set(["403 put-key-invalid"]));
  });
});

function fail(): never {
  throw new Error("There is no answer.");
}
