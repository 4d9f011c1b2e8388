import { describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { newAgent } from "../../support/nouns";
import { type BadInput, refuses } from "../../support/refused";
import { settledTenant } from "../../support/tenant";

const { key, ids } = await settledTenant();
const { agent_id = "", collection_id = "" } = ids;
const BATCH = { operation: "re-voice", agent_id, collection_id, target: { name: "retold" } };
const RE_VOICE = `/v1/agents/${agent_id}/collections/${collection_id}/re-voice`;

const GUID = "5a1f7c1e-8f5e-4a5f-9f43-0c9f6ff0b7d1";
const NIL = "00000000-0000-0000-0000-000000000000";

const putBatch = (headers: Readonly<Record<string, string>>, body: unknown = BATCH) =>
  call("PUT", "/v1/batches", { key, headers, body });

/** Headers that name no one usable request, whichever door they knock at. */
const BAD_REQUEST_IDS: readonly (readonly [what: string, headers: Readonly<Record<string, string>>])[] = [
  ["an empty requestId", { requestId: "" }],
  ["a requestId of spaces", { requestId: "  " }],
  ["a nil requestId", { requestId: NIL }],
  ["a requestId that is no GUID", { requestId: "my-request" }],
  ["a GUID without its hyphens", { requestId: GUID.replaceAll("-", "") }],
  ["a GUID in braces", { requestId: `{${GUID}}` }],
  ["a GUID as a URN", { requestId: `urn:uuid:${GUID}` }],
  ["a GUID of an unknown variant", { requestId: "5a1f7c1e-8f5e-4a5f-0f43-0c9f6ff0b7d1" }],
  ["a requestId in quotes", { requestId: `"${GUID}"` }],
  ["a requestId sent twice", { requestId: `${GUID}, ${GUID.replace("5a", "6b")}` }],
  ["one requestId doubled", { requestId: `${GUID}, ${GUID}` }],
  ["an empty Idempotency-Key", { "Idempotency-Key": "" }],
  ["an Idempotency-Key that is an empty string", { "Idempotency-Key": '""' }],
  ["an Idempotency-Key that is no GUID", { "Idempotency-Key": '"order-17"' }],
  ["a nil Idempotency-Key", { "Idempotency-Key": `"${NIL}"` }],
  ["a requestId and another Idempotency-Key", { requestId: GUID, "Idempotency-Key": GUID.replace("5a", "6b") }],
  ["a requestId and a malformed Idempotency-Key", { requestId: GUID, "Idempotency-Key": "x" }],
  ["a malformed requestId and a good Idempotency-Key", { requestId: "x", "Idempotency-Key": GUID }],
];

describe("batches-create: the requestId", () => {
  refuses([
    { what: "a call without one", send: () => putBatch({}), refusal: "400 request-id-missing" },
    ...BAD_REQUEST_IDS.map(([what, headers]) => ({
      what,
      send: () => putBatch(headers),
      refusal: "400 request-id-invalid",
    })),
  ]);

  it("is checked before the body", async () => {
    const answer = await call("PUT", "/v1/batches", { key, body: "{", headers: { "content-type": "text/plain" } });
    expect(answer.body.code).toBe("request-id-missing");
  });
});

describe("agent-collection-re-voice: the requestId", () => {
  refuses(
    BAD_REQUEST_IDS.map(([what, headers]) => ({
      what,
      send: () => call("PUT", RE_VOICE, { key, headers, body: { target: BATCH.target } }),
      refusal: "400 request-id-invalid",
    })),
  );
});

const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
const bytes = (...parts: readonly (string | readonly number[])[]) =>
  new Uint8Array(parts.flatMap((part) => (typeof part === "string" ? [...new TextEncoder().encode(part)] : [...part])));

/** Bodies that are no JSON, or JSON that two readers would read differently. */
const BAD_JSON: readonly (readonly [what: string, body: string | Uint8Array])[] = [
  ["no body", ""],
  ["JSON that breaks off", '{"name":"x"'],
  ["JSON with something after it", '{"name":"x"} {}'],
  ["a comment", '{"name":"x"/* why */}'],
  ["a comma too many", '{"name":"x",}'],
  ["single quotes", "{'name':'x'}"],
  ["NaN", '{"name":NaN}'],
  ["a line break in a string", '{"name":"a\nb"}'],
  ["a byte order mark", "\uFEFF{}"],
  ["a key that stands twice", '{"name":"x","name":"y"}'],
  ["a key that stands twice with the same value", '{"name":"x","name":"x"}'],
  ["a key that stands twice, once with escapes", '{"name":"x","n\\u0061me":"y"}'],
  ["a key that stands twice deep inside", '{"metadata":{"a":[{"b":1,"b":2}]}}'],
  ["half a surrogate pair, escaped", '{"name":"\\ud83e"}'],
  ["the halves of a surrogate pair in the wrong order", '{"name":"\\udd86\\ud83e"}'],
  ["half a surrogate pair in a key", '{"metadata":{"\\udd86":1}}'],
  ["half a surrogate pair, raw", bytes('{"name":"', [0xed, 0xa0, 0x80], '"}')],
  ["a byte that is not UTF-8", bytes('{"name":"', [0xff], '"}')],
  ["an overlong form in UTF-8", bytes('{"name":"', [0xc0, 0xaf], '"}')],
  ["UTF-8 that breaks off", bytes('{"name":"x"}', [0xf0, 0x9f])],
  ["UTF-16", bytes([0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00])],
  ["the character U+0000", '{"name":"a\\u0000b"}'],
  ["33 levels", `{"metadata":${deep(32)}}`],
  ["a million levels", deep(400_000)],
  ["the integer 2^53", '{"metadata":{"n":9007199254740992}}'],
  ["an integer below -2^53", '{"metadata":{"n":-9007199254740993}}'],
  ["a number past all floats", '{"metadata":{"n":1e400}}'],
];

const badJson = (send: (body: string | Uint8Array) => BadInput["send"]): readonly BadInput[] =>
  BAD_JSON.map(([what, body]) => ({ what, send: send(body), refusal: "400 json-invalid" }));

describe("agents-create: the form of the body", () => {
  refuses(badJson((body) => () => call("PUT", "/v1/agents", { key, body })));
});

describe("batches-create: the form of the body", () => {
  refuses(badJson((body) => () => putBatch({ requestId: crypto.randomUUID() }, body)));
});

describe("collection-memories-create: the form of the body", () => {
  refuses(badJson((body) => () => call("PUT", `/v1/collections/${collection_id}/memories`, { key, body })));
});

describe("a body that is as large, deep or long as it may be", () => {
  it("is taken with 32 levels, the integer 2^53 - 1, and whole surrogate pairs", async () => {
    const metadata = `{"deep":${deep(30)},"n":9007199254740991,"duck":"\\ud83e\\udd86 🦆"}`;
    const answer = await call("PUT", "/v1/collections", { key, body: `{"name":"deep","metadata":${metadata}}` });
    expect(answer.status).toBe(201);
    expect(answer.body.metadata).toEqual(JSON.parse(metadata));
  });

  it("is taken with as many bytes as the limit has", async () => {
    const name = crypto.randomUUID();
    const body = JSON.stringify({ name });
    const answer = await call("PUT", "/v1/agents", { key, body: body + " ".repeat(1_048_576 - body.length) });
    expect(answer.status).toBe(201);
  });
});

describe("a requestId whose request was refused", () => {
  const bad: readonly (readonly [what: string, body: unknown, status: number])[] = [
    ["a body that is no JSON", "{", 400],
    ["a body of 2 MB", { ...BATCH, memo: "x".repeat(2_097_152) }, 413],
    ["a body that does not fit its schema", { ...BATCH, tags: "x" }, 422],
    ["an agent that is not there", { ...BATCH, agent_id: "agent_x" }, 404],
  ];

  it.each(bad)("is unknown after %s, and free for the right request", async (_what, body, status) => {
    const requestId = crypto.randomUUID();
    expect((await putBatch({ requestId }, body)).status).toBe(status);
    expect((await call("GET", `/v1/requests/${requestId}`, { key })).body.code).toBe("request-not-found");
    const { agent_id: agentId } = await newAgent(key);
    expect((await putBatch({ requestId }, { ...BATCH, agent_id: agentId })).status).toBe(201);
  });
});
