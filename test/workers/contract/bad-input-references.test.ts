import { beforeAll, describe, expect, it } from "vitest";
import { type Answer, call } from "../../support/api";
import { addMemories, markDeleted, newAgent, newCollection, problemOf } from "../../support/nouns";
import { pointersOf, refusalOf } from "../../support/refusal";
import { refuses } from "../../support/refused";
import { rowCounts, settledTenant } from "../../support/tenant";

const own = await settledTenant();
const foreign = await settledTenant();
const { key } = own;
const { agent_id = "", collection_id = "" } = own.ids;

const UNKNOWN = {
  agent: [
    "agent_00000000000000000000000000000000",
    "agent_".padEnd(999, "0"),
    "no-id-of-ours",
    "",
    collection_id,
    foreign.ids["agent_id"] ?? "",
  ],
  collection: [
    "collection_00000000000000000000000000000000",
    "no-id-of-ours",
    "",
    agent_id,
    foreign.ids["collection_id"] ?? "",
  ],
};
const made = { deletedAgent: "", disabledAgent: "", deletedCollection: "", emptyCollection: "" };
beforeAll(async () => {
  made.deletedAgent = (await newAgent(key)).agent_id;
  await call("DELETE", `/v1/agents/${made.deletedAgent}`, { key });
  made.disabledAgent = (await newAgent(key, { enabled: false })).agent_id;
  made.deletedCollection = (await newCollection(key)).collection_id;
  await addMemories(key, made.deletedCollection, [{ text: "Gone." }]);
  await markDeleted("collections", made.deletedCollection);
  made.emptyCollection = (await newCollection(key)).collection_id;
});

const putBatch = (fields: object) =>
  call("PUT", "/v1/batches", {
    key,
    headers: { requestId: crypto.randomUUID() },
    body: { operation: "re-voice", agent_id, collection_id, target: { name: "retold" }, ...fields },
  });

const reVoice = (fields: { readonly agent?: string; readonly collection?: string; readonly target?: object }) =>
  call("PUT", `/v1/agents/${fields.agent ?? agent_id}/collections/${fields.collection ?? collection_id}/re-voice`, {
    key,
    body: { target: fields.target ?? { name: "retold" } },
  });

const bind = (agent: string, collection: string) =>
  call("PATCH", `/v1/agents/${agent}/collections/${collection}/bind`, { key });

const update = (ifMatch: string) => () =>
  call("PATCH", `/v1/agents/${agent_id}`, { key, headers: { "if-match": ifMatch }, body: { description: "x" } });

const add = (memories: unknown) =>
  call("PUT", `/v1/collections/${collection_id}/memories`, { key, body: { memories } });
const some = (count: number) => Array.from({ length: count }, (_, i) => ({ text: `memory ${i}` }));
const NINE_THOUSAND = { text: "x".repeat(9_000) };
const UNFIT = "422 validation-failed";

/** Each answer is the same refusal, pointing to the same place, and nothing is written. */
async function sameRefusal(sends: readonly (() => Promise<Answer>)[]): Promise<readonly [string, readonly string[]]> {
  const before = await rowCounts();
  const answers = await Promise.all(sends.map((send) => send()));
  const [first] = answers;
  if (first === undefined) throw new Error("Nothing was sent.");
  for (const answer of answers) expect(problemOf(answer)).toEqual(problemOf(first));
  expect(await rowCounts()).toEqual(before);
  return [refusalOf(first), pointersOf(first)];
}

describe("batches-create: what it refers to", () => {
  it("answers the same 404 for an agent that is unknown, malformed or another tenant's", async () => {
    const answer = await sameRefusal(UNKNOWN.agent.map((id) => () => putBatch({ agent_id: id })));
    expect(answer).toEqual(["404 agent-not-found", ["/agent_id"]]);
  });

  it("answers the same 404 for a source that is unknown, malformed or another tenant's", async () => {
    const answer = await sameRefusal(UNKNOWN.collection.map((id) => () => putBatch({ collection_id: id })));
    expect(answer).toEqual(["404 collection-not-found", ["/collection_id"]]);
  });

  it("answers the same 404 for a target that is unknown, malformed or another tenant's", async () => {
    const targets = UNKNOWN.collection.map((id) => ({ collection_id: id }));
    const answer = await sameRefusal(targets.map((target) => () => putBatch({ target })));
    expect(answer).toEqual(["404 collection-not-found", ["/target/collection_id"]]);
  });

  refuses([
    {
      what: "a deleted agent",
      send: () => putBatch({ agent_id: made.deletedAgent }),
      refusal: "410 agent-deleted",
      pointers: ["/agent_id"],
    },
    {
      what: "a deleted source",
      send: () => putBatch({ collection_id: made.deletedCollection }),
      refusal: "410 collection-deleted",
      pointers: ["/collection_id"],
    },
    {
      what: "a deleted target",
      send: () => putBatch({ target: { collection_id: made.deletedCollection } }),
      refusal: "410 collection-deleted",
      pointers: ["/target/collection_id"],
    },
    {
      what: "a disabled agent",
      send: () => putBatch({ agent_id: made.disabledAgent }),
      refusal: "403 agent-disabled",
      pointers: ["/agent_id"],
    },
    {
      what: "an empty source",
      send: () => putBatch({ collection_id: made.emptyCollection }),
      refusal: "422 collection-empty",
      pointers: ["/collection_id"],
    },
    {
      what: "a target that is the source",
      send: () => putBatch({ target: { collection_id } }),
      refusal: "422 target-is-source",
      pointers: ["/target/collection_id"],
    },
  ]);
});

describe("agent-collection-re-voice: what it refers to", () => {
  // What stands in the path has no pointer: pointers lead into the body.
  refuses([
    { what: "a deleted agent", send: () => reVoice({ agent: made.deletedAgent }), refusal: "410 agent-deleted" },
    {
      what: "a deleted source",
      send: () => reVoice({ collection: made.deletedCollection }),
      refusal: "410 collection-deleted",
    },
    { what: "a disabled agent", send: () => reVoice({ agent: made.disabledAgent }), refusal: "403 agent-disabled" },
    {
      what: "an empty source",
      send: () => reVoice({ collection: made.emptyCollection }),
      refusal: "422 collection-empty",
    },
    {
      what: "an unknown target",
      send: () => reVoice({ target: { collection_id: "collection_x" } }),
      refusal: "404 collection-not-found",
      pointers: ["/target/collection_id"],
    },
  ]);
});

describe("agent-collection-bind: what it refers to", () => {
  refuses([
    { what: "a deleted agent", send: () => bind(made.deletedAgent, collection_id), refusal: "410 agent-deleted" },
    {
      what: "a deleted collection",
      send: () => bind(agent_id, made.deletedCollection),
      refusal: "410 collection-deleted",
    },
  ]);
});

describe("keys-create: what it refers to", () => {
  it("answers the same 404 for a namespace that is unknown or malformed", async () => {
    const ids = ["namespace_00000000000000000000000000000000", "no-id-of-ours", "", agent_id];
    const answer = await sameRefusal(
      ids.map((id) => () => call("PUT", "/v1/keys", { body: { name: "x", namespace_id: id } })),
    );
    expect(answer).toEqual(["404 namespace-not-found", ["/namespace_id"]]);
  });
});

describe("collection-memories-create: the memories", () => {
  refuses([
    { what: "101 memories", send: () => add(some(101)), refusal: UNFIT, pointers: ["/memories"] },
    { what: "no memories", send: () => add([]), refusal: UNFIT, pointers: ["/memories"] },
    { what: "memories that are no list", send: () => add({ text: "x" }), refusal: UNFIT, pointers: ["/memories"] },
    {
      what: "one memory of 9,000 characters",
      send: () => add([NINE_THOUSAND]),
      refusal: UNFIT,
      pointers: ["/memories/0/text"],
    },
    {
      what: "memories that are all refused, each with its own pointer",
      send: () => add([NINE_THOUSAND, 7, { text: "" }, {}, { text: "x", mood: "dry" }, { text: "x", importance: 11 }]),
      refusal: UNFIT,
      pointers: [
        "/memories/0/text",
        "/memories/1",
        "/memories/2/text",
        "/memories/3/text",
        "/memories/4/mood",
        "/memories/5/importance",
      ],
    },
    {
      what: "memories of an unknown and of a deleted agent",
      send: () =>
        add([
          { text: "a", agent_id: "agent_x" },
          { text: "b", agent_id: made.deletedAgent },
        ]),
      refusal: UNFIT,
      pointers: ["/memories/0/agent_id", "/memories/1/agent_id"],
    },
    {
      what: "memories for a deleted collection",
      send: () => addMemories(key, made.deletedCollection, some(1)),
      refusal: "410 collection-deleted",
    },
  ]);

  it("keeps the others when one has 9,000 characters, and says why that one is refused", async () => {
    const before = await rowCounts();
    const { status, body } = await add([{ text: "kept, one" }, NINE_THOUSAND, { text: "kept, two" }]);
    expect(status).toBe(201);
    expect(body.results.map((result: { verdict: string }) => result.verdict)).toEqual([
      "created",
      "refused",
      "created",
    ]);
    expect(body.results[1]).toMatchObject({ index: 1, memory_id: null });
    expect(body.results[1].problem).toMatchObject({
      status: 422,
      code: "validation-failed",
      errors: [{ pointer: "/memories/1/text", detail: "Must have at most 8,000 characters." }],
    });
    expect((await rowCounts())["memories"]).toBe((before["memories"] ?? 0) + 2);
  });

  it("takes 100 memories, and texts of 8,000 characters", async () => {
    const { collection_id: id } = await newCollection(key);
    const texts = some(100).map(({ text }) => ({ text: text.padEnd(8_000, "é") }));
    const { status, body } = await addMemories(key, id, texts);
    expect([status, body.results.length]).toEqual([201, 100]);
  });
});

describe("agent-update: the version", () => {
  refuses([
    { what: "an If-Match that is no entity tag", send: update("3"), refusal: "400 header-invalid" },
    { what: "an If-Match of another version", send: update('"99"'), refusal: "412 version-changed" },
  ]);
});
