import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { newAgent, newCollection, newTenant, VOICE } from "../../support/nouns";

const read = async (key: string, id: string) => (await call("GET", `/v1/agents/${id}`, { key })).body;

describe("agent-delete", () => {
  it("deletes softly: bindings and collections stay, the name is free, neighbours too stay", async () => {
    const { key } = await newTenant();
    const neighbour = await newAgent(key);
    const { agent_id } = await newAgent(key, { name: "Goner" });
    const collection = await newCollection(key);
    await call("PATCH", `/v1/agents/${agent_id}/collections/${collection.collection_id}/bind`, { key });
    expect((await call("DELETE", `/v1/agents/${agent_id}`, { key })).status).toBe(204);
    expect((await call("DELETE", `/v1/agents/${agent_id}`, { key })).status).toBe(410);
    expect(await read(key, neighbour.agent_id)).toEqual(neighbour);
    await newAgent(key, { name: "Goner" });
    const bound = await env.DB.prepare("SELECT * FROM agent_collections WHERE agent_id = ?").bind(agent_id).all();
    expect(bound.results).toHaveLength(1);
  });

  it("removes for good with hard=true, with its bindings; its collections lose their owner and no more", async () => {
    const { key } = await newTenant();
    const [agent, neighbour] = [await newAgent(key), await newAgent(key)];
    const collection = await newCollection(key);
    const owned = await newCollection(key);
    await env.DB.prepare("UPDATE collections SET agent_id = ? WHERE id = ?")
      .bind(agent.agent_id, owned.collection_id)
      .run();
    const bind = (id: string) =>
      call("PATCH", `/v1/agents/${id}/collections/${collection.collection_id}/bind`, { key });
    await Promise.all([bind(agent.agent_id), bind(neighbour.agent_id)]);
    const path = `/v1/agents/${agent.agent_id}?hard=true`;
    const counts = await call("DELETE", `${path}&dry_run=true`, { key });
    expect(counts).toMatchObject({ status: 200, body: { agents: 1, bindings: 1, collections: 1 } });
    expect(await read(key, agent.agent_id)).toEqual(agent);
    expect((await call("DELETE", path, { key })).status).toBe(204);
    expect((await call("GET", `/v1/agents/${agent.agent_id}?include_deleted=true`, { key })).status).toBe(404);
    expect((await call("DELETE", path, { key })).status).toBe(404);
    const left = await call("GET", `/v1/collections/${owned.collection_id}`, { key });
    expect(left.body).toEqual(owned);
    const bound = await call("GET", `/v1/agents/${neighbour.agent_id}/collections`, { key });
    expect(bound.body.items).toHaveLength(1);
  });

  it("changes nothing with dry_run=true", async () => {
    const { key } = await newTenant();
    const agent = await newAgent(key);
    const counts = await call("DELETE", `/v1/agents/${agent.agent_id}?dry_run=true`, { key });
    expect(counts).toMatchObject({ status: 200, body: { agents: 1, bindings: 0, collections: 0 } });
    expect(await read(key, agent.agent_id)).toEqual(agent);
  });

  it("refuses a managed agent, softly and for good", async () => {
    const { key } = await newTenant();
    const { agent_id } = await newAgent(key);
    await env.DB.prepare("UPDATE agents SET managed = 1 WHERE id = ?").bind(agent_id).run();
    for (const query of ["", "?hard=true", "?dry_run=true"])
      expect((await call("DELETE", `/v1/agents/${agent_id}${query}`, { key })).status).toBe(403);
  });

  it("does not reach into another namespace", async () => {
    const [{ key }, other] = [await newTenant(), await newTenant()];
    const agent = await newAgent(other.key);
    for (const query of ["", "?hard=true"])
      expect((await call("DELETE", `/v1/agents/${agent.agent_id}${query}`, { key })).status).toBe(404);
    expect(await read(other.key, agent.agent_id)).toEqual(agent);
  });
});

describe("agent-undelete", () => {
  it("brings the agent back as it was; repeated, it changes nothing", async () => {
    const { key } = await newTenant();
    const agent = await newAgent(key, { voice: VOICE });
    await call("DELETE", `/v1/agents/${agent.agent_id}`, { key });
    const first = await call("PATCH", `/v1/agents/${agent.agent_id}/undelete`, { key });
    expect(first).toMatchObject({ status: 200, body: { ...agent, updated_at: expect.any(String) } });
    const second = await call("PATCH", `/v1/agents/${agent.agent_id}/undelete`, { key });
    expect(second.body).toEqual(first.body);
    expect(second.headers.get("etag")).toBe(first.headers.get("etag"));
  });

  it("refuses when another agent has the name by now", async () => {
    const { key } = await newTenant();
    const first = await newAgent(key, { name: "Heir" });
    await call("DELETE", `/v1/agents/${first.agent_id}`, { key });
    const heir = await newAgent(key, { name: "Heir" });
    const { status, body } = await call("PATCH", `/v1/agents/${first.agent_id}/undelete`, { key });
    expect([status, body.code, body.agent_id]).toEqual([409, "agent-name-taken", heir.agent_id]);
  });

  it("answers 404 for an agent that is not there", async () => {
    expect((await call("PATCH", "/v1/agents/no-id-of-ours/undelete")).status).toBe(404);
  });
});
