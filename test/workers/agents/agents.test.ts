import { describe, expect, it } from "vitest";
import { type Answer, call } from "../../support/api";
import { newAgent, newTenant, problemOf, sorted, unknownIds, VOICE } from "../../support/nouns";

const NO_VOICE = { person: "first", tone: null, traits: [], lexicon: {}, openers: [], closers: [], examples: [] };

const pointersOf = ({ body }: Answer) => body.errors.map((fault: { pointer: string }) => fault.pointer);
const ids = ({ body }: Answer) => body.items.map((item: { agent_id: string }) => item.agent_id);
const read = async (key: string, id: string) => (await call("GET", `/v1/agents/${id}`, { key })).body;

describe("agents-create", () => {
  it("answers 201 with the agent, where it is, and its version", async () => {
    const { key } = await newTenant();
    const given = {
      name: "Old Captain",
      description: "Tells it as a sailor would.",
      persona: "A retired captain.",
      voice: VOICE,
      memory_settings: { top_k_vectors: 50, max_memory_strategy: "diverse" },
      enabled: false,
      metadata: { ship: { name: "Alba" } },
    };
    const { status, headers, body } = await call("PUT", "/v1/agents", { key, body: given });
    expect(status).toBe(201);
    expect(body).toEqual({
      ...given,
      agent_id: expect.stringMatching(/^agent_[0-9a-f]{32}$/),
      managed: false,
      deleted: false,
      created_at: expect.any(String),
      updated_at: body.created_at,
    });
    expect(headers.get("location")).toBe(`/v1/agents/${body.agent_id}`);
    expect(headers.get("etag")).toBe('"1"');
    expect(await read(key, body.agent_id)).toEqual(body);
  });

  it("fills what is not given", async () => {
    const { key } = await newTenant();
    const { body } = await call("PUT", "/v1/agents", { key, body: { name: "Plain", voice: { tone: "warm" } } });
    expect(body).toMatchObject({
      description: null,
      persona: null,
      voice: { ...NO_VOICE, tone: "warm" },
      memory_settings: {},
      enabled: true,
      metadata: {},
    });
  });

  it("refuses a taken name, and names the agent that has it", async () => {
    const { key } = await newTenant();
    const first = await newAgent(key, { name: "Twin" });
    const { status, body } = await call("PUT", "/v1/agents", { key, body: { name: "Twin" } });
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: "agent-name-taken", agent_id: first.agent_id });
  });

  it("lets two namespaces use one name", async () => {
    const [one, other] = [await newTenant(), await newTenant()];
    const agents = [await newAgent(one.key, { name: "Same" }), await newAgent(other.key, { name: "Same" })];
    expect(agents.map(({ name }) => name)).toEqual(["Same", "Same"]);
  });

  it("makes one agent of ten calls at once with one name, and names it to the others", async () => {
    const { key } = await newTenant();
    const calls = Array.from({ length: 10 }, () => call("PUT", "/v1/agents", { key, body: { name: "Racer" } }));
    const answers = await Promise.all(calls);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(new Set(answers.map(({ body }) => body.agent_id)).size).toBe(1);
  });

  it("points to every fault at once, and writes nothing", async () => {
    const { key } = await newTenant();
    const answer = await call("PUT", "/v1/agents", {
      key,
      body: {
        name: "n".repeat(101),
        persona: "p".repeat(8_001),
        voice: {
          person: "fourth",
          tone: "t".repeat(61),
          traits: Array.from({ length: 21 }, () => "x"),
          lexicon: Object.fromEntries(Array.from({ length: 201 }, (_, i) => [`w${i}`, "x"])),
          openers: ["o".repeat(121)],
          volume: 11,
        },
        memory_settings: { top_k_vectors: 201, min_score: 1.5 },
        colour: "red",
      },
    });
    expect(answer.status).toBe(422);
    expect(sorted(pointersOf(answer))).toEqual([
      "/colour",
      "/memory_settings/min_score",
      "/memory_settings/top_k_vectors",
      "/name",
      "/persona",
      "/voice/lexicon",
      "/voice/openers/0",
      "/voice/person",
      "/voice/tone",
      "/voice/traits",
      "/voice/volume",
    ]);
    expect(ids(await call("GET", "/v1/agents", { key }))).toEqual([]);
  });

  it("refuses settings under which nothing has any weight", async () => {
    const { key } = await newTenant();
    const memory_settings = { relevance_alpha: 0, importance_alpha: 0, recency_alpha: 0 };
    const answer = await call("PUT", "/v1/agents", { key, body: { name: "Weightless", memory_settings } });
    expect(answer.status).toBe(422);
    expect(pointersOf(answer)).toEqual(["/memory_settings"]);
  });

  it("refuses a text with a character that the database would end it at", async () => {
    const { key } = await newTenant();
    const { status, body } = await call("PUT", "/v1/agents", { key, body: { name: "a\0b" } });
    expect([status, body.code]).toEqual([400, "json-invalid"]);
  });
});

describe("agents-list", () => {
  it("shows the namespace's agents once each, newest first, over pages", async () => {
    const [{ key }, other] = [await newTenant(), await newTenant()];
    await newAgent(other.key);
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.push((await newAgent(key)).agent_id);
    const whole = await call("GET", "/v1/agents", { key });
    expect(sorted(ids(whole))).toEqual(sorted(made));
    expect(whole.body.next_cursor).toBeNull();
    const paged: string[] = [];
    for (let path: string | undefined = "/v1/agents?limit=2"; path !== undefined;) {
      const answer: Answer = await call("GET", path, { key });
      paged.push(...ids(answer));
      path = /<(.*)>; rel="next"/.exec(answer.headers.get("link") ?? "")?.[1];
    }
    expect(paged).toEqual(ids(whole));
  });

  it("leaves deleted agents out, unless asked for them", async () => {
    const { key } = await newTenant();
    const [stays, goes] = [await newAgent(key), await newAgent(key)];
    await call("DELETE", `/v1/agents/${goes.agent_id}`, { key });
    expect(ids(await call("GET", "/v1/agents", { key }))).toEqual([stays.agent_id]);
    const all = await call("GET", "/v1/agents?include_deleted=true", { key });
    expect(all.body.items).toHaveLength(2);
    expect(all.body.items.find((agent: { deleted: boolean }) => agent.deleted).agent_id).toBe(goes.agent_id);
  });

  it("refuses a cursor that is not ours, a limit out of range, and an unknown parameter", async () => {
    const { key } = await newTenant();
    const foreign = await call("GET", "/v1/agents?cursor=bm9uc2Vuc2U", { key });
    expect([foreign.status, foreign.body.code]).toEqual([400, "cursor-invalid"]);
    for (const query of ["limit=0", "limit=101", "limit=x", "colour=red", "include_deleted=maybe"])
      expect([query, (await call("GET", `/v1/agents?${query}`, { key })).status]).toEqual([query, 422]);
  });
});

describe("agent-get", () => {
  it("answers the same 404 for a foreign id, an unknown one and one of a wrong form", async () => {
    const [{ key }, other] = [await newTenant(), await newTenant()];
    const foreign = await newAgent(other.key);
    const answers = await Promise.all(
      [foreign.agent_id, ...unknownIds("agent")].map((id) => call("GET", `/v1/agents/${id}`, { key })),
    );
    expect(answers[0]).toMatchObject({ status: 404, body: { code: "agent-not-found" } });
    expect(new Set(answers.map((answer) => JSON.stringify(problemOf(answer)))).size).toBe(1);
  });

  it("answers 410 for a deleted agent, and shows it with include_deleted", async () => {
    const { key } = await newTenant();
    const { agent_id } = await newAgent(key);
    await call("DELETE", `/v1/agents/${agent_id}`, { key });
    const gone = await call("GET", `/v1/agents/${agent_id}`, { key });
    expect([gone.status, gone.body.code]).toEqual([410, "agent-deleted"]);
    const shown = await call("GET", `/v1/agents/${agent_id}?include_deleted=true`, { key });
    expect(shown).toMatchObject({ status: 200, body: { agent_id, deleted: true } });
  });
});
