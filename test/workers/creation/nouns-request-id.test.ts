import { beforeEach, describe, expect, it } from "vitest";
import { DEADLINE_MS } from "../../../src/services/creation/create-task";
import { call } from "../../support/api";
import { CREATABLES, newCreator } from "../../support/creations";
import { arm, resetFaults } from "../../support/faults";
import { newTenant } from "../../support/nouns";
import { pointersOf, refusalOf } from "../../support/refusal";

const insertOf = (noun: string) => `insert into "${noun}s"`;
const GIVEN = { name: "Old Captain", metadata: { ship: "Alba", crew: [1, 2] } };

beforeEach(() => resetFaults());

describe.each(CREATABLES)("$operationId: requestId", (creatable) => {
  const { path, idOf, noun } = creatable;

  it("answers a repeat with 200 and the first, also when its JSON is written otherwise", async () => {
    const { key, create, count } = await newCreator(creatable);
    const requestId = crypto.randomUUID();
    const first = await create(requestId, GIVEN);
    expect([first.status, first.headers.get("idempotent-replayed")]).toEqual([201, "false"]);
    const text = '{ "metadata": {"crew": [1.0, 2e0], "ship": "Al\\u0062a"}, "name": "Old Captain" }';
    const again = await call("PUT", path, { key, body: text, headers: { "idempotency-key": `"${requestId}"` } });
    expect([again.status, again.headers.get("idempotent-replayed")]).toEqual([200, "true"]);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get("location")).toBe(first.headers.get("location"));
    expect(again.headers.get("etag")).toBe('"1"');
    expect(await count()).toBe(1);
  });

  it("makes one thing of ten calls at once", async () => {
    const { create, count } = await newCreator(creatable);
    const requestId = crypto.randomUUID();
    const answers = await Promise.all(Array.from({ length: 10 }, () => create(requestId, GIVEN)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array.from({ length: 9 }, () => 200), 201]);
    expect(new Set(answers.map(idOf)).size).toBe(1);
    expect(await count()).toBe(1);
  });

  it("refuses another body with pointers to what differs, and changes nothing", async () => {
    const { create, count } = await newCreator(creatable);
    const requestId = crypto.randomUUID();
    const first = await create(requestId, GIVEN);
    const other = { name: "Old Captain", description: "new", metadata: { ship: "Alba", crew: [1, 3] } };
    const answer = await create(requestId, other);
    expect(refusalOf(answer)).toBe("422 request-id-reused");
    expect(pointersOf(answer)).toEqual(["/description", "/metadata/crew/1"]);
    expect(answer.body).toMatchObject({
      mismatch: expect.arrayContaining([...pointersOf(answer)]),
      [`${noun}_id`]: idOf(first),
    });
    expect((await create(requestId, GIVEN)).body).toEqual(first.body);
    expect(await count()).toBe(1);
  });

  it("shows the thing as it is now after an update", async () => {
    const { key, create } = await newCreator(creatable);
    const requestId = crypto.randomUUID();
    const id = idOf(await create(requestId, GIVEN));
    const changed = await call("PATCH", `${path}/${id}`, { key, body: { name: "New Captain" } });
    const again = await create(requestId, GIVEN);
    expect([again.status, again.body, again.headers.get("etag")]).toEqual([200, changed.body, '"2"']);
  });

  it("answers 410 while the thing is deleted, and shows it once it is back", async () => {
    const { key, create, count } = await newCreator(creatable);
    const requestId = crypto.randomUUID();
    const id = idOf(await create(requestId, GIVEN));
    await call("DELETE", `${path}/${id}`, { key });
    expect(refusalOf(await create(requestId, GIVEN))).toBe(`410 ${noun}-deleted`);
    expect(await count()).toBe(1);
    await call("PATCH", `${path}/${id}/undelete`, { key });
    expect(idOf(await create(requestId, GIVEN))).toBe(id);
  });

  it("never makes it again after it was removed for good, whatever the body", async () => {
    const { key, create, count } = await newCreator(creatable);
    const requestId = crypto.randomUUID();
    const id = idOf(await create(requestId, GIVEN));
    await call("DELETE", `${path}/${id}?hard=true`, { key });
    for (const body of [GIVEN, { name: "another" }])
      expect(refusalOf(await create(requestId, body))).toBe("410 request-id-retired");
    expect(await count()).toBe(0);
    expect((await create(crypto.randomUUID(), GIVEN)).status).toBe(201);
  });

  it("keeps the ids of two namespaces apart, but not those of agents and collections", async () => {
    const [one, other] = [await newCreator(creatable), await newCreator(creatable)];
    const requestId = crypto.randomUUID();
    const first = await one.create(requestId, GIVEN);
    const second = await other.create(requestId, { name: "other" });
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(idOf(first)).not.toBe(idOf(second));
    for (const { path: next } of CREATABLES.filter((each) => each.path !== path)) {
      const refused = await call("PUT", next, { key: one.key, body: GIVEN, headers: { requestId } });
      expect(refusalOf(refused)).toBe("422 request-id-reused");
      expect(refused.body).toMatchObject({ [`${noun}_id`]: idOf(first), mismatch: [""] });
    }
  });

  it("refuses a malformed id, and two that differ, and makes nothing", async () => {
    const { create, count } = await newCreator(creatable);
    const requestId = crypto.randomUUID();
    for (const bad of ["", "no-guid", "00000000-0000-0000-0000-000000000000", `${requestId}, ${requestId}`])
      expect([bad, refusalOf(await create(bad, GIVEN))]).toEqual([bad, "400 request-id-invalid"]);
    const two = await create(requestId, GIVEN, { "idempotency-key": crypto.randomUUID() });
    expect(refusalOf(two)).toBe("400 request-id-invalid");
    expect(await count()).toBe(0);
  });

  it("does not use an id up with a request that is refused", async () => {
    const { create } = await newCreator(creatable);
    const requestId = crypto.randomUUID();
    expect((await create(requestId, { name: "" })).status).toBe(422);
    expect((await create(requestId, GIVEN)).status).toBe(201);
  });

  it("answers 201 when the answer of the database was lost: its row carries this very call", async () => {
    const { create, count } = await newCreator(creatable);
    const requestId = crypto.randomUUID();
    const fault = arm("fails-after", insertOf(noun));
    const made = await create(requestId, GIVEN);
    expect([made.status, made.headers.get("idempotent-replayed"), fault.fired]).toEqual([201, "false", 1]);
    expect((await create(requestId, GIVEN)).status).toBe(200);
    expect(await count()).toBe(1);
  });

  it("answers 503 with the time until which it is in doubt when nothing can be proven, and is done once", async () => {
    const { create, count } = await newCreator(creatable);
    const requestId = crypto.randomUUID();
    const before = Date.now();
    arm("fails-before", insertOf(noun));
    const lost = await create(requestId, GIVEN);
    expect(refusalOf(lost)).toBe("503 creation-pending");
    expect(lost.body).toMatchObject({ request_id: requestId, retryable: true });
    expect(Date.parse(lost.body.doubt_until)).toBeGreaterThanOrEqual(before + DEADLINE_MS);
    expect((await create(requestId, GIVEN)).status).toBe(201);
    expect(await count()).toBe(1);
  });

  it("answers 409 where a cancel came first, and makes nothing", async () => {
    const { key, create, count } = await newCreator(creatable);
    const requestId = crypto.randomUUID();
    const canceled = await call("PATCH", `/v1/requests/${requestId}/cancel`, { key });
    expect([canceled.status, canceled.body.status]).toEqual([200, "canceled"]);
    expect(refusalOf(await create(requestId, GIVEN))).toBe("409 request-canceled");
    expect(await count()).toBe(0);
  });
});

describe("agents-create: requestId", () => {
  it("leaves the id free when the name is taken", async () => {
    const { key } = await newTenant();
    const requestId = crypto.randomUUID();
    const create = (name: string, headers = {}) => call("PUT", "/v1/agents", { key, body: { name }, headers });
    const holder = await create("Twin");
    expect(refusalOf(await create("Twin", { requestId }))).toBe("409 agent-name-taken");
    await call("DELETE", `/v1/agents/${holder.body.agent_id}`, { key });
    expect((await create("Twin", { requestId })).status).toBe(201);
  });
});
