import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type Answer, call } from "../../support/api";
import { newAgent, newTenant, sorted, VOICE } from "../../support/nouns";

const NO_VOICE = { person: "first", tone: null, traits: [], lexicon: {}, openers: [], closers: [], examples: [] };

const pointersOf = ({ body }: Answer) => body.errors.map((fault: { pointer: string }) => fault.pointer);
const read = async (key: string, id: string) => (await call("GET", `/v1/agents/${id}`, { key })).body;

const patch = (key: string, id: string, body: unknown, headers = {}) =>
  call("PATCH", `/v1/agents/${id}`, { key, body, headers });

describe("agent-update", () => {
  it("changes what is given, clears what is null, keeps the rest and the neighbours", async () => {
    const { key } = await newTenant();
    const neighbour = await newAgent(key);
    const settings = { top_k_vectors: 50, min_score: 0.2 };
    const before = await newAgent(key, { description: "old", persona: "old", voice: VOICE, memory_settings: settings });
    const answer = await patch(key, before.agent_id, {
      description: null,
      voice: { tone: null, lexicon: { sea: "deep" } },
      memory_settings: { min_score: 0 },
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("etag")).toBe('"2"');
    expect(answer.body).toEqual({
      ...before,
      description: null,
      voice: { ...VOICE, tone: null, lexicon: { sea: "deep" } },
      memory_settings: { top_k_vectors: 50, min_score: 0 },
      updated_at: expect.any(String),
    });
    expect(await read(key, before.agent_id)).toEqual(answer.body);
    expect(await read(key, neighbour.agent_id)).toEqual(neighbour);
  });

  it("sets the voice and the settings back with null", async () => {
    const { key } = await newTenant();
    const { agent_id } = await newAgent(key, { voice: VOICE, memory_settings: { min_score: 0.2 } });
    const { body } = await patch(key, agent_id, { voice: null, memory_settings: null });
    expect(body).toMatchObject({ voice: NO_VOICE, memory_settings: {} });
  });

  it("points to each fault inside what it changes", async () => {
    const { key } = await newTenant();
    const { agent_id } = await newAgent(key);
    const voice = { person: "fourth", tone: 7 };
    const answer = await patch(key, agent_id, {
      voice,
      memory_settings: { min_score: 2, top_k_vectors: 0 },
      name: null,
    });
    expect(answer.status).toBe(422);
    expect(sorted(pointersOf(answer))).toEqual([
      "/memory_settings/min_score",
      "/memory_settings/top_k_vectors",
      "/name",
      "/voice/person",
      "/voice/tone",
    ]);
    expect(pointersOf(await patch(key, agent_id, { voice: "loud" }))).toEqual(["/voice"]);
  });

  it("refuses settings that with those it has would leave nothing any weight", async () => {
    const { key } = await newTenant();
    const { agent_id } = await newAgent(key, { memory_settings: { relevance_alpha: 0, importance_alpha: 0 } });
    const answer = await patch(key, agent_id, { memory_settings: { recency_alpha: 0 } });
    expect(answer.status).toBe(422);
    expect(pointersOf(answer)).toEqual(["/memory_settings"]);
  });

  it("refuses a name that another agent has; its own is free, and that of a deleted agent", async () => {
    const { key } = await newTenant();
    const [one, other] = [await newAgent(key, { name: "One" }), await newAgent(key, { name: "Other" })];
    const { status, body } = await patch(key, other.agent_id, { name: "One" });
    expect([status, body.code, body.agent_id]).toEqual([409, "agent-name-taken", one.agent_id]);
    expect((await patch(key, other.agent_id, { name: "Other" })).status).toBe(200);
    await call("DELETE", `/v1/agents/${one.agent_id}`, { key });
    expect((await patch(key, other.agent_id, { name: "One" })).status).toBe(200);
  });

  it("writes under If-Match only while the version is the one that was read", async () => {
    const { key } = await newTenant();
    const { agent_id } = await newAgent(key);
    expect((await patch(key, agent_id, { persona: "a" }, { "if-match": '"1"' })).status).toBe(200);
    const late = await patch(key, agent_id, { persona: "b" }, { "if-match": '"1"' });
    expect([late.status, late.body.code]).toEqual([412, "version-changed"]);
    expect((await read(key, agent_id)).persona).toBe("a");
    expect((await patch(key, agent_id, { persona: "c" }, { "if-match": '"7", "2"' })).status).toBe(200);
    expect((await patch(key, agent_id, { persona: "d" }, { "if-match": "*" })).status).toBe(200);
    expect((await patch(key, agent_id, { persona: "e" }, { "if-match": 'W/"4"' })).status).toBe(412);
    for (const header of ["4", '"4', '"1" "4"', "any"])
      expect([header, (await patch(key, agent_id, {}, { "if-match": header })).body.code]).toEqual([
        header,
        "header-invalid",
      ]);
  });

  it("lets one of ten conditional writers through", async () => {
    const { key } = await newTenant();
    const { agent_id } = await newAgent(key);
    const calls = Array.from({ length: 10 }, (_, i) =>
      patch(key, agent_id, { persona: `writer ${i}` }, { "if-match": '"1"' }),
    );
    const statuses = sorted((await Promise.all(calls)).map(({ status }) => status));
    expect(statuses).toEqual([200, ...Array.from({ length: 9 }, () => 412)]);
  });

  it("loses no change of ten writers that each set a field of the voice", async () => {
    const { key } = await newTenant();
    const { agent_id } = await newAgent(key);
    const parts = Object.entries(VOICE).map(([field, value]) => ({ voice: { [field]: value } }));
    const more = [{ persona: "p" }, { description: "d" }, { metadata: { a: 1 } }];
    const answers = await Promise.all([...parts, ...more].map((body) => patch(key, agent_id, body)));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const whole = { voice: VOICE, persona: "p", description: "d", metadata: { a: 1 } };
    expect(await read(key, agent_id)).toMatchObject(whole);
  });

  it("refuses an agent that is managed, deleted, or not there", async () => {
    const { key } = await newTenant();
    const [managed, deleted] = [await newAgent(key), await newAgent(key)];
    await env.DB.prepare("UPDATE agents SET managed = 1 WHERE id = ?").bind(managed.agent_id).run();
    await call("DELETE", `/v1/agents/${deleted.agent_id}`, { key });
    expect((await patch(key, managed.agent_id, {})).body).toMatchObject({ status: 403, code: "managed" });
    expect((await patch(key, deleted.agent_id, {})).status).toBe(410);
    expect((await patch(key, "no-id-of-ours", {})).status).toBe(404);
  });
});
