import { describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { refusalOf } from "../../support/refusal";
import { type BadInput, refuses } from "../../support/refused";
import { settledTenant } from "../../support/tenant";

const { key, ids } = await settledTenant();
const { agent_id = "", collection_id = "", task_id = "" } = ids;
const BATCH = { operation: "re-voice", agent_id, collection_id, target: { name: "retold" } };

const putAgent = (fields: object) => call("PUT", "/v1/agents", { key, body: { name: crypto.randomUUID(), ...fields } });
const putBatch = (fields: object) =>
  call("PUT", "/v1/batches", { key, headers: { requestId: crypto.randomUUID() }, body: { ...BATCH, ...fields } });

const get = (path: string) => () => call("GET", path, { key });

/** Fields that do not fit, and where the faults are. */
type BadFields = readonly (readonly [what: string, fields: object, ...pointers: string[]])[];

function unfit(given: BadFields, send: (fields: object) => ReturnType<BadInput["send"]>): readonly BadInput[] {
  return given.map(([what, fields, ...pointers]) => ({
    what,
    send: () => send(fields),
    refusal: "422 validation-failed",
    pointers: pointers.toSorted(),
  }));
}

describe("agents-create: fields", () => {
  refuses(
    unfit(
      [
        ["a number for a text", { name: 5 }, "/name"],
        ["null for a text", { name: null }, "/name"],
        ["an empty name", { name: "" }, "/name"],
        ["a name of 101 characters", { name: "x".repeat(101) }, "/name"],
        ["a text for a boolean", { enabled: "true" }, "/enabled"],
        ["a list for an object", { voice: [] }, "/voice"],
        ["a text for an object", { metadata: "x" }, "/metadata"],
        ["metadata of more than 16,384 characters", { metadata: { a: "x".repeat(16_384) } }, "/metadata"],
        ["a key of metadata that is too long", { metadata: { ["k".repeat(201)]: 1 } }, `/metadata/${"k".repeat(201)}`],
        ["a person that is none", { voice: { person: "fourth" } }, "/voice/person"],
        ["an item of a list that is no text", { voice: { traits: ["dry", 1] } }, "/voice/traits/1"],
        ["a list that is too long", { voice: { traits: Array.from({ length: 21 }, () => "x") } }, "/voice/traits"],
        ["an unknown field deep inside", { voice: { mood: "dry" } }, "/voice/mood"],
        [
          "several faults, each for itself",
          { name: 5, enabled: 1, voice: { mood: "dry" } },
          "/name",
          "/enabled",
          "/voice/mood",
        ],
      ],
      putAgent,
    ),
  );

  it("says of a value of the wrong type what it must be, and of one that is not there that it is required", async () => {
    const { body: wrong } = await putAgent({ name: 5 });
    expect(wrong.errors).toEqual([{ pointer: "/name", detail: "Must be a string." }]);
    const { body: absent } = await call("PUT", "/v1/agents", { key, body: {} });
    expect(absent.errors).toEqual([{ pointer: "/name", detail: "This field is required: give a string." }]);
  });
});

describe("batches-create: fields", () => {
  refuses(
    unfit(
      [
        ["an operation that is none", { operation: "paint" }, "/operation"],
        ["an operation that is no text", { operation: 1 }, "/operation"],
        ["an id that is no text", { agent_id: 17 }, "/agent_id"],
        ["an empty target", { target: {} }, "/target/name"],
        ["a target that is a text", { target: collection_id }, "/target"],
        ["a target with a field that it does not know", { target: { name: "x", colour: "red" } }, "/target/colour"],
        ["a target without a name", { target: { name: "" } }, "/target/name"],
        ["tags that are no list", { tags: "a" }, "/tags"],
        ["an empty tag", { tags: ["a", ""] }, "/tags/1"],
        ["an on_item_error that is none", { on_item_error: "stop" }, "/on_item_error"],
        ["instructions of 4,001 characters", { instructions: "x".repeat(4_001) }, "/instructions"],
        ["a memo of 2,001 characters", { memo: "x".repeat(2_001) }, "/memo"],
      ],
      putBatch,
    ),
  );

  it("refuses a target with a name and an id, and says that one of them is to be given", async () => {
    const answer = await putBatch({ target: { name: "x", collection_id } });
    expect(refusalOf(answer)).toBe("422 validation-failed");
    expect(answer.body.errors).toEqual([{ pointer: "/target", detail: "Give exactly one of: collection_id, name." }]);
  });
});

/** Each of the eight settings, with values just outside of its range, and of other types. */
const OUT_OF_RANGE: Readonly<Record<string, readonly unknown[]>> = {
  enabled: ["true", 1, null],
  top_k_vectors: [0, 201, 1.5, "20", null],
  relevance_alpha: [-0.001, 10.001, "1", null],
  importance_alpha: [-0.001, 10.001, "1", null],
  recency_alpha: [-0.001, 10.001, "1", null],
  min_score: [-0.001, 1.001, "0", null],
  max_memories: [-1, 101, 2.5, "10", null],
  max_memory_strategy: ["best", "", 1, null],
};
const SMALLEST = { top_k_vectors: 1, importance_alpha: 0, recency_alpha: 0, min_score: 0, max_memories: 0 };
const LARGEST = {
  top_k_vectors: 200,
  relevance_alpha: 10,
  importance_alpha: 10,
  recency_alpha: 10,
  min_score: 1,
  max_memories: 100,
};
const NO_WEIGHT = { relevance_alpha: 0, importance_alpha: 0, recency_alpha: 0 };

const badSettings = (group: string): BadFields => [
  ...Object.entries(OUT_OF_RANGE).flatMap(([field, values]) =>
    values.map((value) => {
      const what = `${field} ${JSON.stringify(value)} in ${group}`;
      return [what, { [group]: { [field]: value } }, `/${group}/${field}`] as const;
    }),
  ),
  [`all alphas zero in ${group}`, { [group]: NO_WEIGHT }, `/${group}`],
  [`an unknown setting in ${group}`, { [group]: { top_k: 5 } }, `/${group}/top_k`],
  [`null for ${group}`, { [group]: null }, `/${group}`],
];

describe("agents-create: memory settings", () => {
  refuses(unfit(badSettings("memory_settings"), putAgent));

  it("takes each setting at both ends of its range", async () => {
    expect((await putAgent({ memory_settings: SMALLEST })).body.memory_settings).toEqual(SMALLEST);
    expect((await putAgent({ memory_settings: LARGEST })).body.memory_settings).toEqual(LARGEST);
  });
});

describe("batches-create: memory settings", () => {
  refuses(unfit(badSettings("source_memory_settings"), putBatch));
  refuses(unfit(badSettings("agent_memory_settings"), putBatch));

  it("refuses settings that leave no weight together with the agent's own", async () => {
    const agent = await putAgent({ memory_settings: { importance_alpha: 0, recency_alpha: 0 } });
    const answer = await putBatch({ agent_id: agent.body.agent_id, agent_memory_settings: { relevance_alpha: 0 } });
    expect(refusalOf(answer)).toBe("422 validation-failed");
    expect(answer.body.errors).toEqual([{ pointer: "/agent_memory_settings", detail: expect.stringMatching(/alpha/) }]);
  });
});

describe("lists: the query", () => {
  const LISTS = [
    "/v1/agents",
    `/v1/agents/${agent_id}/collections`,
    "/v1/collections",
    `/v1/collections/${collection_id}/memories`,
    "/v1/batches",
    "/v1/checkmate/tasks",
    `/v1/checkmate/tasks/${task_id}/items`,
  ];
  const bad: readonly (readonly [query: string, pointer: string])[] = [
    ["limit=0", "/query/limit"],
    ["limit=101", "/query/limit"],
    ["limit=1.5", "/query/limit"],
    ["limit=many", "/query/limit"],
    ["limit=", "/query/limit"],
  ];
  refuses(
    LISTS.flatMap((list) =>
      bad.map(([query, pointer]) => ({
        what: `${query} of ${list.replaceAll(/_[0-9a-f]{32}/g, "")}`,
        send: get(`${list}?${query}`),
        refusal: "422 validation-failed",
        pointers: [pointer],
      })),
    ),
  );
  refuses(
    LISTS.flatMap((list) =>
      ["x", "", "%00", btoa("--1.task_1"), btoa("1.Täsk"), btoa("1"), "a".repeat(5_000)].map((cursor) => ({
        what: `the cursor ${JSON.stringify(cursor.slice(0, 20))} of ${list.replaceAll(/_[0-9a-f]{32}/g, "")}`,
        send: get(`${list}?cursor=${cursor}`),
        refusal: "400 cursor-invalid",
      })),
    ),
  );
  refuses(
    [
      ["/v1/batches?state=nope", "/query/state"],
      ["/v1/checkmate/tasks?status=nope", "/query/status"],
      ["/v1/checkmate/tasks?status=created&status=nope", "/query/status/1"],
      ["/v1/checkmate/tasks?since=yesterday", "/query/since"],
      ["/v1/checkmate/tasks?sort=name", "/query/sort"],
      [`/v1/checkmate/tasks/${task_id}/items?verdict=fine`, "/query/verdict"],
      [`/v1/collections/${collection_id}/memories?type=dream`, "/query/type"],
      ["/v1/agents?include_deleted=perhaps", "/query/include_deleted"],
    ].map(([path = "", pointer = ""]) => ({
      what: path.replaceAll(/_[0-9a-f]{32}/g, ""),
      send: get(path),
      refusal: "422 validation-failed",
      pointers: [pointer],
    })),
  );
});
