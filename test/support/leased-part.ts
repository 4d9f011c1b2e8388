import { env } from "cloudflare:workers";
import { openDatabase } from "../../src/data/database/database";
import { checkpoint, type ItemResult, loadPart } from "../../src/data/parts/item-store";
import { claimPart } from "../../src/data/parts/part-store";
import { planItems } from "../../src/data/parts/plan-store";
import { findTaskToRun } from "../../src/data/tasks/task-store";
import { reVoicedMemoryIdOf } from "../../src/domain/ids";
import { serviceClock } from "../../src/runtime/clock";
import { travelMs } from "./clock";
import { arm } from "./faults";
import { batchOf, putBatch, reVoiced, rows, scene } from "./scene";

export const db = openDatabase(env.DB, serviceClock);

/** How long a lease lives here, and how long a bell may take. */
export const LEASE_MS = 60_000;
export const RING_MS = 10_000;

/** A task whose first part is leased to us, with no consumer about. */
export async function leasedPart(memories = 3, more: object = {}) {
  arm("drops", "queue: sendBatch", 1_000);
  const from = await scene(memories);
  const { id } = (await putBatch(crypto.randomUUID(), batchOf(from, more))).body;
  const task = await findTaskToRun(db, id);
  if (task?.command?.operation !== "re-voice") throw new Error("The task has no row.");
  const { namespaceId, command } = task;
  await planItems(db, { namespaceId, taskId: id, command, ringMs: RING_MS });
  const claim = (token: string, laterMs = 0) => {
    travelMs(laterMs);
    return claimPart(db, { namespaceId, taskId: id, token, leaseMs: LEASE_MS, ringMs: RING_MS, parallelMax: 4 });
  };
  const first = await claim("token-1");
  const lease = { namespaceId, taskId: id, part: first?.part ?? -1, token: "token-1" };
  const { items } = await loadPart(db, lease, command);
  const results: ItemResult[] = await Promise.all(
    items.map(async ({ position, sourceMemoryId }) => ({
      position,
      sourceMemoryId,
      verdict: "re_voiced" as const,
      memory: { id: await reVoicedMemoryIdOf(id, sourceMemoryId), text: `told ${position}`, childMemoryIds: [] },
      problem: null,
      usage: { modelCalls: 1, inputTokens: 2, outputTokens: 3 },
    })),
  );
  const write = async (as = lease) => (await checkpoint(db, as, command, results, LEASE_MS)) !== undefined;
  const state = async () => ({
    memories: await reVoiced(id),
    items: await rows("SELECT * FROM task_items WHERE task_id = ?", id),
    parts: await rows("SELECT * FROM task_parts WHERE task_id = ?", id),
    task: await rows("SELECT * FROM tasks WHERE id = ?", id),
    target: await rows("SELECT memory_count FROM collections WHERE id = ?", command.target.collectionId),
    bindings: await rows("SELECT * FROM agent_collections WHERE collection_id = ?", command.target.collectionId),
  });
  return { from, id, namespaceId, command, lease, claim, write, state };
}
