import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type Answer, call } from "../../support/api";
import { newAgent, newCollection, newTenant, sorted } from "../../support/nouns";
import { pointersOf, refusalOf } from "../../support/refusal";
import { SEARCH_ROWS_MAX } from "../../../src/services/basics/name-search";

interface Searchable {
  readonly operationId: string;
  readonly path: string;
  readonly make: (key: string, fields?: object) => Promise<Answer["body"]>;
}

const SEARCHABLES: readonly Searchable[] = [
  { operationId: "agents-search", path: "/v1/agents", make: newAgent },
  { operationId: "collections-search", path: "/v1/collections", make: newCollection },
];

const namesOf = ({ body }: Answer): string[] => body.items.map((item: { name: string }) => item.name);

describe.each(SEARCHABLES)("$operationId", ({ path, make }) => {
  /** A tenant whose things are found by name; each of the names is made once, in this order. */
  async function tenantWith(...made: readonly object[]) {
    const { key, namespaceId } = await newTenant();
    for (const fields of made) await make(key, fields);
    const search = (body: object = {}) => call("POST", `${path}/search`, { key, body });
    const names = async (body: object = {}) => sorted(namesOf(await search(body)));
    return { key, namespaceId, search, names };
  }
  it("answers whole things, newest first, as the list does, when it is asked for nothing", async () => {
    const { key, search } = await tenantWith({ name: "a" }, { name: "b" });
    const list = await call("GET", path, { key });
    expect(await search()).toMatchObject({ status: 200, body: list.body });
  });

  it("finds each word at the beginning of a word of name or description, whatever case and accents", async () => {
    const { names } = await tenantWith(
      { name: "Summers at the Harbour", description: "What Marta told." },
      { name: "Winters", description: "What ÉMILE told of the harbour." },
      { name: "Nothing" },
    );
    expect(await names({ query: "harb" })).toEqual(["Summers at the Harbour", "Winters"]);
    expect(await names({ query: "HARB émi" })).toEqual(["Winters"]);
    expect(await names({ query: "marta, summers" })).toEqual(["Summers at the Harbour"]);
    expect(await names({ query: "arbour" })).toEqual([]);
  });

  it("finds by metadata that is equal as JSON, key by key", async () => {
    const { names } = await tenantWith(
      { name: "a", metadata: { tape: 3, place: { town: "Lisbon", pier: 2 } } },
      { name: "b", metadata: { tape: "3", place: null } },
      { name: "c" },
    );
    expect(await names({ metadata: { tape: 3 } })).toEqual(["a"]);
    expect(await names({ metadata: { tape: "3" } })).toEqual(["b"]);
    expect(await names({ metadata: { place: { pier: 2, town: "Lisbon" } } })).toEqual(["a"]);
    expect(await names({ metadata: { place: { pier: 2 } } })).toEqual([]);
    expect(await names({ metadata: { place: null } })).toEqual(["b"]);
    expect(await names({ metadata: { toString: 1 } })).toEqual([]);
    expect(await names({ metadata: {} })).toEqual(["a", "b", "c"]);
    expect(await names({ metadata: { tape: 3 }, query: "b" })).toEqual([]);
  });

  it("leaves deleted ones out, unless asked for them", async () => {
    const { key, search, names } = await tenantWith({ name: "stays" }, { name: "goes" });
    const { agent_id, collection_id } = (await search({ query: "goes" })).body.items[0];
    await call("DELETE", `${path}/${agent_id ?? collection_id}`, { key });
    expect(await names()).toEqual(["stays"]);
    expect(await names({ include_deleted: true })).toEqual(["goes", "stays"]);
  });

  it("finds nothing of another tenant", async () => {
    const other = await tenantWith({ name: "Secret" });
    const { names } = await tenantWith({ name: "Own" });
    expect(await names({ include_deleted: true })).toEqual(["Own"]);
    expect(await names({ query: "secret" })).toEqual([]);
    expect(await other.names({ query: "secret" })).toEqual(["Secret"]);
  });

  it("shows each once over pages, and none that does not fit", async () => {
    const made = Array.from({ length: 9 }, (_, i) => ({ name: i % 2 === 0 ? `even ${i}` : `odd ${i}` }));
    const { search } = await tenantWith(...made);
    const whole = namesOf(await search({ query: "even" }));
    const paged: string[] = [];
    for (let cursor: string | undefined; ;) {
      const answer = await search({ query: "even", limit: 2, ...(cursor !== undefined && { cursor }) });
      expect(answer.headers.get("link")).toBeNull();
      paged.push(...namesOf(answer));
      cursor = answer.body.next_cursor ?? undefined;
      if (cursor === undefined) break;
    }
    expect(whole).toHaveLength(5);
    expect(paged).toEqual(whole);
  });

  it("looks at a bounded number of rows, and goes on with the cursor", async () => {
    const { namespaceId, search } = await tenantWith({ name: "Needle" });
    await fillUp(namespaceId, path === "/v1/agents" ? "agents" : "collections", SEARCH_ROWS_MAX);
    const first = await search({ query: "needle" });
    expect([namesOf(first), first.body.next_cursor]).toEqual([[], expect.any(String)]);
    const second = await search({ query: "needle", cursor: first.body.next_cursor });
    expect([namesOf(second), second.body.next_cursor]).toEqual([["Needle"], null]);
  });

  it("points to each field that does not fit", async () => {
    const { search } = await tenantWith();
    const answer = await search({ query: "?!", metadata: [], limit: 101, include_deleted: "yes", colour: "red" });
    expect(refusalOf(answer)).toBe("422 validation-failed");
    expect(pointersOf(answer)).toEqual(["/colour", "/include_deleted", "/limit", "/metadata", "/query"]);
    for (const query of ["", " ", "x".repeat(201), "a b c d e f g h i j k l m n o p q"])
      expect([query, pointersOf(await search({ query }))]).toEqual([query, ["/query"]]);
    expect(refusalOf(await search({ cursor: "nonsense" }))).toBe("400 cursor-invalid");
  });
});

/** Newer rows than any that the API makes now. */
async function fillUp(namespaceId: string, table: "agents" | "collections", count: number): Promise<void> {
  const own = table === "agents" ? "voice, memory_settings, enabled, managed" : "memory_count";
  const values = table === "agents" ? "'{}', '{}', 1, 0" : "0";
  await env.DB.prepare(
    `INSERT INTO ${table} (id, namespace_id, name, metadata, version, created_at_ms, updated_at_ms, ${own})
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     SELECT 'filler_' || lower(hex(randomblob(16))), ?, 'hay ' || i, '{}', 1, 4000000000000 + i, 1, ${values} FROM n`,
  )
    .bind(count, namespaceId)
    .run();
}

describe("agents-search", () => {
  it("finds by what is enabled and what is managed", async () => {
    const { key } = await newTenant();
    const [on, off, managed] = [await newAgent(key), await newAgent(key, { enabled: false }), await newAgent(key)];
    await env.DB.prepare("UPDATE agents SET managed = 1 WHERE id = ?").bind(managed.agent_id).run();
    const ids = async (body: object) =>
      (await call("POST", "/v1/agents/search", { key, body })).body.items.map(
        (agent: { agent_id: string }) => agent.agent_id,
      );
    expect(await ids({ enabled: false })).toEqual([off.agent_id]);
    expect(await ids({ managed: true })).toEqual([managed.agent_id]);
    expect(await ids({ enabled: true, managed: false })).toEqual([on.agent_id]);
  });
});

describe("collections-search", () => {
  it("finds by owner: what an agent owns, and what nobody owns", async () => {
    const { key } = await newTenant();
    const [owned, free] = [await newCollection(key), await newCollection(key)];
    const { agent_id } = await newAgent(key);
    await env.DB.prepare("UPDATE collections SET agent_id = ? WHERE id = ?").bind(agent_id, owned.collection_id).run();
    const ids = async (body: object) =>
      (await call("POST", "/v1/collections/search", { key, body })).body.items.map(
        (collection: { collection_id: string }) => collection.collection_id,
      );
    expect(await ids({ agent_id })).toEqual([owned.collection_id]);
    expect(await ids({ agent_id: null })).toEqual([free.collection_id]);
    expect(await ids({ agent_id: "agent_x" })).toEqual([]);
  });
});
