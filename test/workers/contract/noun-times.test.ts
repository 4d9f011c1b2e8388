import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openDatabase } from "../../../src/data/database/database";
import { call } from "../../support/api";
import { travelBack, travelDays } from "../../support/clock";
import { ndjson, newEmpty, putFile } from "../../support/collection-files";
import { arm } from "../../support/faults";
import { newCase } from "../../support/memories";
import { newAgent, newCollection, newTenant } from "../../support/nouns";
import { bellOf } from "../../support/requests-object";

/*
 * The program's clock is made wrong by years, in the Worker and in the test; the database has another, which is right.
 */

const DAY_MS = 86_400_000;
const rightNow = Date.now.bind(Date);

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"], now: rightNow() - 1_000 * DAY_MS }));
afterEach(() => {
  vi.useRealTimers();
  travelBack();
});

/** How far a time that was just written lies ahead, in whole days. */
const daysAhead = (ms: number | undefined) => Math.floor((Number(ms) - rightNow()) / DAY_MS + 0.5);

async function timesOf(table: string, id: string) {
  const row = await env.DB.prepare(`SELECT * FROM ${table} WHERE id = ?`).bind(id).first<Record<string, number>>();
  const { created_at_ms, updated_at_ms, deleted_at_ms, accessed_at_ms } = row ?? {};
  return { created_at_ms, updated_at_ms, deleted_at_ms, accessed_at_ms };
}

describe("the times of nouns", () => {
  it("are the database's, and are answered as they are kept", async () => {
    const named = { name: crypto.randomUUID() };
    const namespace = (await call("PUT", "/v1/namespaces", { body: named })).body;
    const key = (await call("PUT", "/v1/keys", { body: { ...named, namespace_id: namespace.namespace_id } })).body;
    const [agent, collection] = [await newAgent(key.key), await newCollection(key.key)];
    for (const [table, id, answered] of [
      ["namespaces", namespace.namespace_id, namespace.created_at],
      ["api_keys", key.key_id, key.created_at],
      ["agents", agent.agent_id, agent.created_at],
      ["collections", collection.collection_id, collection.created_at],
    ]) {
      const { created_at_ms } = await timesOf(table, id);
      expect([table, daysAhead(created_at_ms), Date.parse(answered)]).toEqual([table, 0, created_at_ms]);
    }
  });

  it.each(["agent", "collection"])(
    "are so too where a change, an end or a return of an %s writes them",
    async (noun) => {
      const { key } = await newTenant();
      const { [`${noun}_id`]: id } = await (noun === "agent" ? newAgent(key) : newCollection(key));
      const [table, path] = [`${noun}s`, `/v1/${noun}s/${id}`];
      const changed = (await call("PATCH", path, { key, body: { name: crypto.randomUUID() } })).body;
      expect(daysAhead(Date.parse(changed.updated_at))).toBe(0);
      expect(await timesOf(table, id)).toMatchObject({ updated_at_ms: Date.parse(changed.updated_at) });
      await call("DELETE", path, { key });
      const deleted = await timesOf(table, id);
      expect([daysAhead(deleted.deleted_at_ms), deleted.updated_at_ms]).toEqual([0, deleted.deleted_at_ms]);
      const back = (await call("PATCH", `${path}/undelete`, { key })).body;
      const times = { updated_at_ms: Date.parse(back.updated_at), deleted_at_ms: null };
      expect(await timesOf(table, id)).toMatchObject(times);
    },
  );

  it("are so too where memories are made, imported, changed, found and deleted", async () => {
    const { key, collectionId, one, patch, remove } = await newCase();
    const id = await one({ text: "harbour" });
    await patch(id, { memo: "tape 2" });
    const search = { key, body: { query: "harbour", update_access: true } };
    expect((await call("POST", `/v1/collections/${collectionId}/search`, search)).body.filtered_memories).toHaveLength(
      1,
    );
    await remove(id);
    expect(Object.values(await timesOf("memories", id)).map(daysAhead)).toEqual([0, 0, 0, 0]);
    const filled = await newEmpty();
    arm("drops", "queue: sendBatch");
    // A creation has a deadline by the clock of its Worker, and is late by years where that is wrong.
    const wrongNow = Date.now();
    vi.setSystemTime(rightNow());
    const { task_id: taskId } = (await putFile(filled, ndjson({ text: "from a file" }))).body;
    vi.setSystemTime(wrongNow);
    await bellOf(taskId);
    const { body } = await call("GET", `/v1/collections/${filled}/memories`);
    expect(body.items.map((memory: any) => daysAhead(Date.parse(memory.created_at)))).toEqual([0]);
  });

  it("go forward with the clock of tests", async () => {
    travelDays(3);
    expect(daysAhead(Date.parse((await newAgent((await newTenant()).key)).created_at))).toBe(3);
  });

  it("follow the clock that the database is opened with, whatever it was opened with before", () => {
    const clock = { offsetMs: DAY_MS };
    const handles = [openDatabase(env.DB), openDatabase(env.DB, clock), openDatabase(env.DB)];
    expect(handles.map((db) => db.$clock.offsetMs)).toEqual([0, DAY_MS, 0]);
    expect(openDatabase(env.DB)).toBe(handles[2]);
  });

  it("tell when a key ends", async () => {
    const body = { name: "ends", expires_at: new Date(rightNow() + DAY_MS).toISOString() };
    const { key } = (await call("PUT", "/v1/keys", { body })).body;
    vi.setSystemTime(rightNow() + 1_000 * DAY_MS);
    expect((await call("GET", "/v1/agents", { key })).status).toBe(200);
    vi.setSystemTime(rightNow());
    travelDays(2);
    expect((await call("GET", "/v1/agents", { key })).status).toBe(401);
  });
});
