import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { markDeleted, newAgent, newCollection, newTenant, sorted } from "../../support/nouns";

const bind = (key: string, agentId: string, collectionId: string, verb = "bind") =>
  call("PATCH", `/v1/agents/${agentId}/collections/${collectionId}/${verb}`, { key });
const boundTo = async (key: string, agentId: string) =>
  (await call("GET", `/v1/agents/${agentId}/collections`, { key })).body.items;

describe("agent-collection-bind", () => {
  it("binds once, however often it is sent", async () => {
    const { key } = await newTenant();
    const [agent, collection] = [await newAgent(key), await newCollection(key)];
    const calls = Array.from({ length: 5 }, () => bind(key, agent.agent_id, collection.collection_id));
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual([204, 204, 204, 204, 204]);
    expect(await boundTo(key, agent.agent_id)).toEqual([collection]);
  });

  it("answers 404 for what is not there or is foreign, and 410 for what is deleted", async () => {
    const [{ key }, other] = [await newTenant(), await newTenant()];
    const [agent, collection] = [await newAgent(key), await newCollection(key)];
    const [foreignAgent, foreign] = [await newAgent(other.key), await newCollection(other.key)];
    const answers = [
      await bind(key, foreignAgent.agent_id, collection.collection_id),
      await bind(key, agent.agent_id, foreign.collection_id),
      await bind(key, agent.agent_id, "no-id-of-ours"),
    ];
    expect(answers.map(({ body }) => body.code)).toEqual([
      "agent-not-found",
      "collection-not-found",
      "collection-not-found",
    ]);
    await markDeleted("collections", collection.collection_id);
    expect((await bind(key, agent.agent_id, collection.collection_id)).status).toBe(410);
    expect(await boundTo(key, agent.agent_id)).toEqual([]);
  });

  it("refuses more collections than an agent can have", async () => {
    const { key } = await newTenant();
    const [agent, collection] = [await newAgent(key), await newCollection(key)];
    await env.DB.prepare(
      `INSERT INTO agent_collections (agent_id, collection_id, namespace_id, created_at_ms)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
       SELECT ?, 'collection_' || i, 'x', 1 FROM n`,
    )
      .bind(agent.agent_id)
      .run();
    const { status, body } = await bind(key, agent.agent_id, collection.collection_id);
    expect([status, body.code]).toEqual([409, "agent-collections-full"]);
  });
});

describe("agent-collection-unbind", () => {
  it("unbinds that collection alone, however often it is sent", async () => {
    const { key } = await newTenant();
    const agent = await newAgent(key);
    const [stays, goes] = [await newCollection(key), await newCollection(key)];
    await bind(key, agent.agent_id, stays.collection_id);
    await bind(key, agent.agent_id, goes.collection_id);
    for (let i = 0; i < 2; i++)
      expect((await bind(key, agent.agent_id, goes.collection_id, "unbind")).status).toBe(204);
    expect(await boundTo(key, agent.agent_id)).toEqual([stays]);
  });

  it("answers 404 for what is not there or is foreign", async () => {
    const [{ key }, other] = [await newTenant(), await newTenant()];
    const agent = await newAgent(key);
    const foreign = await newCollection(other.key);
    expect((await bind(key, agent.agent_id, foreign.collection_id, "unbind")).status).toBe(404);
    expect((await bind(key, "no-id-of-ours", foreign.collection_id, "unbind")).status).toBe(404);
  });
});

describe("agent-collections-list", () => {
  it("shows the live collections, over pages, and 404 for a foreign agent", async () => {
    const [{ key }, other] = [await newTenant(), await newTenant()];
    const agent = await newAgent(key);
    const made = [await newCollection(key), await newCollection(key), await newCollection(key)];
    for (const { collection_id } of made) await bind(key, agent.agent_id, collection_id);
    await markDeleted("collections", made[0].collection_id);
    const first = await call("GET", `/v1/agents/${agent.agent_id}/collections?limit=1`, { key });
    const cursor = first.body.next_cursor;
    const second = await call("GET", `/v1/agents/${agent.agent_id}/collections?limit=1&cursor=${cursor}`, { key });
    expect(second.body.next_cursor).toBeNull();
    const shown = [...first.body.items, ...second.body.items].map((item) => item.collection_id);
    expect(sorted(shown)).toEqual(sorted([made[1].collection_id, made[2].collection_id]));
    expect((await call("GET", `/v1/agents/${agent.agent_id}/collections`, { key: other.key })).status).toBe(404);
  });
});
