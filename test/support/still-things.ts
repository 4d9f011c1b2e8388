import { env } from "cloudflare:workers";
import { removeCollection } from "../../src/data/collections/removal-store";
import { call } from "./api";
import { resetFaults } from "./faults";
import { db } from "./leased-part";
import { addMemories, newCollection, newTenant } from "./nouns";
import { loseObject, silentTask } from "./requests-object";
import { reserved } from "./reserve";
import { batchOf, endOf, putBatch, rows, scene } from "./scene";
import { hookedTenant } from "./webhooks";

const DAY_MS = 86_400_000;

/** Something that lies still, and whether it has been looked after since. */
export interface StillThing {
  readonly isDone: () => Promise<boolean>;
}

/** What lies still, by the step of the sweep that looks after it. */
export type StillThings = Readonly<Record<string, StillThing>>;

/** A task that lost all its bells, and its object. */
export async function stillTask() {
  const from = await scene(2);
  const id = await silentTask(from);
  await loseObject(id);
  resetFaults();
  return { from, id };
}

/** One thing for each step of a sweep. They are due once all bells have had their time. */
export async function stillThings(): Promise<StillThings> {
  return {
    "due-tasks": await dueTask(),
    deliveries: await dueDelivery(),
    "old-deliveries": await oldDelivery(),
    reservations: await reservation(),
    retention: await retainedTask(),
    tombstones: await tombstone(),
    leftovers: await leftovers(),
    "staged-files": await unclaimedFile(),
    removals: await removal(),
  };
}

async function dueTask(): Promise<StillThing> {
  const { id } = await stillTask();
  return isNot("SELECT 1 FROM tasks WHERE id = ? AND ended_at_ms IS NULL", id);
}

async function dueDelivery(): Promise<StillThing> {
  const { id } = await (await hookedTenant()).canceled();
  resetFaults();
  await rows("UPDATE webhook_deliveries SET look_at_ms = 1 WHERE id = ?", id);
  return isNot("SELECT 1 FROM webhook_deliveries WHERE id = ? AND look_at_ms = 1", id);
}

async function oldDelivery(): Promise<StillThing> {
  const { id } = await (await hookedTenant()).canceled();
  resetFaults();
  await rows("UPDATE webhook_deliveries SET created_at_ms = 1, look_at_ms = 9e15 WHERE id = ?", id);
  return isNot("SELECT 1 FROM webhook_deliveries WHERE id = ?", id);
}

async function reservation(): Promise<StillThing> {
  const { id } = await reserved();
  await rows("UPDATE tasks SET created_at_ms = 1, ring_at_ms = 1 WHERE id = ?", id);
  return isNot("SELECT 1 FROM tasks WHERE id = ?", id);
}

async function endedTask(): Promise<string> {
  const { id } = (await putBatch(crypto.randomUUID(), batchOf(await scene(1)))).body;
  await endOf(id);
  return id;
}

async function retainedTask(): Promise<StillThing> {
  const id = await endedTask();
  await rows("UPDATE tasks SET ended_at_ms = ended_at_ms - ? WHERE id = ?", 91 * DAY_MS, id);
  return isNot("SELECT 1 FROM tasks WHERE id = ?", id);
}

/** The collection that its task made is gone too: it would hold the tombstone. */
async function tombstone(): Promise<StillThing> {
  const { id } = (await putBatch(crypto.randomUUID(), batchOf(await scene(1)))).body;
  const { collection_id: target } = (await endOf(id)).result;
  await call("DELETE", `/v1/batches/${id}`);
  await call("DELETE", `/v1/collections/${target}?hard=true`);
  await rows("UPDATE requests SET retired_at_ms = retired_at_ms - ? WHERE id = ?", 401 * DAY_MS, id);
  return isNot("SELECT 1 FROM requests WHERE id = ?", id);
}

/** A removed task whose last events were read by somebody who watched. */
async function leftovers(): Promise<StillThing> {
  const id = await endedTask();
  await rows("UPDATE tasks SET watched_until_ms = 9e15 WHERE id = ?", id);
  await call("DELETE", `/v1/batches/${id}`);
  await rows("UPDATE requests SET retired_at_ms = retired_at_ms - ? WHERE id = ?", DAY_MS, id);
  return isNot(
    "SELECT 1 FROM requests WHERE id = ?1 AND leftovers = 1 UNION ALL SELECT 1 FROM task_events WHERE task_id = ?1",
    id,
  );
}

async function unclaimedFile(): Promise<StillThing> {
  const taskId = `task_${crypto.randomUUID()}`;
  const name = `tasks/${taskId}/import-${crypto.randomUUID()}`;
  await env.FILES.put(name, "a line");
  await rows(
    "INSERT INTO staged_files (name, namespace_id, task_id, staged_at_ms) VALUES (?, 'ns', ?, 1)",
    name,
    taskId,
  );
  const { isDone } = isNot("SELECT 1 FROM staged_files WHERE name = ?", name);
  return { isDone: async () => (await isDone()) && (await env.FILES.head(name)) === null };
}

async function removal(): Promise<StillThing> {
  const { key, namespaceId } = await newTenant();
  const { collection_id: id } = await newCollection(key);
  await addMemories(key, id, [{ text: "Pavel never learned to swim." }]);
  await removeCollection(db, namespaceId, id);
  return isNot(
    "SELECT 1 FROM collection_removals WHERE collection_id = ?1 UNION ALL SELECT 1 FROM memories WHERE collection_id = ?1",
    id,
  );
}

/** Done when the query finds nothing any more. */
function isNot(sql: string, ...values: readonly string[]): StillThing {
  return { isDone: async () => (await rows(sql, ...values)).length === 0 };
}
