import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { openServices } from "../../../src/runtime/composition";
import { call, until } from "../../support/api";
import { imported, ndjson } from "../../support/collection-files";
import { arm, type FaultKind, firedFaults, loggedCalls, resetFaults } from "../../support/faults";
import { consumerOf, silentTask } from "../../support/model-consumer";
import { bellOf } from "../../support/requests-object";
import { batchOf, endOf, onceEach, putBatch, reVoiced, rows, scene, taskOf } from "../../support/scene";
import { sweptEndOf } from "../../support/sweeper";

beforeEach(() => resetFaults());

async function start(...args: Parameters<typeof batchOf>): Promise<string> {
  return (await putBatch(crypto.randomUUID(), batchOf(...args))).body.id;
}

describe("a run, with a fault in one step", () => {
  const steps: [FaultKind, string, string, number?][] = [
    ["fails-before", 'select "id", "namespace_id", "status", "run", "command"', "the look at the task"],
    ["fails-before", "INSERT INTO task_items", "the plan"],
    ["fails-after", "INSERT INTO task_items", "the plan, which is made"],
    ["fails-before", "SET lease_token = ?", "the claim of a part"],
    ["fails-after", "SET lease_token = ?", "the claim of a part, which is made"],
    ["fails-before", "SELECT item.position", "before the model: reading the part"],
    ["fails-before", "memory_words", "before the model: the recall"],
    ["fails-before", "INSERT INTO memories", "after the model: the checkpoint"],
    ["fails-after", "INSERT INTO memories", "after the model: the checkpoint, which is made"],
    ["fails-before", "INSERT INTO memories", "the checkpoint, twice", 2],
    ["fails-after", "INSERT INTO memories", "the checkpoint, twice, both made", 2],
    ["doubles", "INSERT INTO memories", "the checkpoint is made twice"],
    ["fails-before", "SET status = 'done'", "the settle"],
    ["fails-after", "SET status = 'done'", "the settle, which is made"],
    ["fails-before", "SET status = 'done'", "the settle, twice", 2],
    ["doubles", "SET status = 'done'", "the settle is made twice"],
    ["fails-before", "AS working", "the look for more"],
    ["fails-before", "object: ended", "telling the object of the end"],
  ];
  it.each(steps)("%s at %s (%s): ends complete, nothing lost, nothing twice", async (kind, at, _, times = 1) => {
    const from = await scene(30);
    resetFaults();
    arm(kind, at, times);
    const task = await endOf(await start(from), 30_000);
    await until(
      async () => firedFaults().length,
      (count) => count === times,
    );
    expect(await onceEach(from, task)).toBe(true);
    expect(task.progress).toMatchObject({ done: 30, failed: 0, total: 30, stage: "ended" });
  });

  it("survives a lost bell after every part", async () => {
    const from = await scene(60);
    arm("drops", "queue: sendBatch", 3);
    expect(await onceEach(from, await sweptEndOf(await start(from)))).toBe(true);
    expect(firedFaults()).toHaveLength(3);
  });
});

describe("a run", () => {
  it("cuts the work into parts of 25 memories, and fixes them in one transaction", async () => {
    const from = await scene(60);
    const id = await start(from);
    await endOf(id);
    const parts = await rows("SELECT part, first_position, end_position, status FROM task_parts WHERE task_id = ?", id);
    expect(parts).toEqual([
      { part: 0, first_position: 0, end_position: 25, status: "done" },
      { part: 1, first_position: 25, end_position: 50, status: "done" },
      { part: 2, first_position: 50, end_position: 60, status: "done" },
    ]);
    const plans = loggedCalls().filter((label) => label.includes("INSERT INTO task_items"));
    expect(plans.every((label) => label.includes("planned_at_ms ="))).toBe(true);
  });

  it("carries over importance, type, times, memo, metadata and links, and names its source and task", async () => {
    const child = { text: "I bought 3 lemons in Porto.", importance: 9, type: "integration", memo: "m" };
    const from = await scene([child]);
    const [childId] = from.memoryIds;
    const parent = {
      text: "I made 4 jars of marmalade.",
      occurred_at: "2019-02-03T04:05:06Z",
      metadata: { jar: 1 },
      child_memory_ids: [childId],
    };
    const path = `/v1/collections/${from.collectionId}/memories`;
    await call("PUT", path, { body: { memories: [parent] } });
    const task = await endOf(await start(from));
    const made = await call("GET", `/v1/collections/${task.result.collection_id}/memories`);
    const find = (word: string) => made.body.items.find((memory: any) => memory.text.includes(word));
    const [lemons, jars] = [find("lemons"), find("marmalade")];
    expect(lemons).toMatchObject({ importance: 9, type: "integration", memo: "m" });
    expect(lemons.source).toEqual({ memory_id: childId, task_id: task.task_id });
    expect(jars).toMatchObject({ occurred_at: "2019-02-03T04:05:06.000Z", metadata: { jar: 1 } });
    expect(jars.child_memory_ids).toEqual([lemons.memory_id]);
    const source = await call("GET", `${path}/${childId}`);
    expect(lemons.created_at).toBe(source.body.created_at);
    expect(lemons.agent_id).toBe(from.agentId);
  });

  it.each(["2090-01-01T00:00:00.000Z", "1900-01-01T00:00:00.000Z"])(
    "keeps the link to an imported memory, which says it was made in %s",
    async (created_at) => {
      const from = await scene([]);
      const path = `/v1/collections/${from.collectionId}/memories`;
      await imported(from.collectionId, ndjson({ text: "I bought 3 lemons in Porto.", created_at }));
      const [child] = (await call("GET", path)).body.items;
      expect(child.created_at).toBe(created_at);
      const parent = { text: "I made 4 jars of marmalade.", child_memory_ids: [child.memory_id] };
      await call("PUT", path, { body: { memories: [parent] } });
      const made = await reVoiced((await endOf(await start(from))).task_id);
      const twinOf = (text: string) => made.find((memory) => memory.text.includes(text));
      expect(twinOf("marmalade")).toMatchObject({ child_memory_ids: JSON.stringify([twinOf("lemons")?.id]) });
    },
  );

  it("leaves the source as it was: nothing is read into, changed or counted there", async () => {
    const from = await scene(5);
    const before = await rows("SELECT * FROM memories WHERE collection_id = ?", from.collectionId);
    await endOf(await start(from));
    expect(await rows("SELECT * FROM memories WHERE collection_id = ?", from.collectionId)).toEqual(before);
  });

  it("makes the named target, owned by the agent, and binds it when it is complete", async () => {
    const from = await scene(2);
    const task = await endOf(await start(from, { target: { name: "as told" } }));
    const target = await call("GET", `/v1/collections/${task.result.collection_id}`);
    expect(target.body).toMatchObject({ name: "as told", agent_id: from.agentId, memory_count: 2 });
    const bound = await call("GET", `/v1/agents/${from.agentId}/collections`);
    expect(bound.body.items.map((item: any) => item.collection_id)).toEqual([task.result.collection_id]);
  });

  it("writes into an existing target and does not bind it", async () => {
    const from = await scene(2);
    const target = await call("PUT", "/v1/collections", { body: { name: "mine" } });
    const { collection_id } = target.body;
    const task = await endOf(await start(from, { target: { collection_id } }));
    expect(task.result).toMatchObject({ collection_id, re_voiced: 2 });
    expect((await call("GET", `/v1/agents/${from.agentId}/collections`)).body.items).toEqual([]);
  });

  it("uses the agent as it was at creation", async () => {
    const from = await scene([{ text: "I saw a dog." }]);
    arm("drops", "queue: sendBatch", 1);
    const id = await start(from);
    await call("PATCH", `/v1/agents/${from.agentId}`, { body: { voice: { lexicon: { dog: "wolf" } } } });
    await bellOf(id);
    await endOf(id);
    expect((await reVoiced(id)).map((memory) => memory.text)).toEqual([expect.stringContaining("hound")]);
  });

  it("lets a small task through while a large one runs", async () => {
    const [large, small] = [await silentTask(60), await silentTask(2)];
    const consumer = consumerOf(openServices(env).generator, { partSeconds: 0, modelCallsPerInvocation: 1 });
    const rung: string[] = [];
    // The queue is first in, first out: each turn of the one is followed by one of the other.
    while ((await taskOf(small.id)).ended_at === null) {
      for (const { id } of [large, small]) {
        rung.push(id);
        await consumer.ring(id);
      }
    }
    expect(rung).toHaveLength(4);
    expect((await taskOf(large.id)).progress).toMatchObject({ done: 2, total: 60 });
  });
});
