import pLimit from "p-limit";
import { objectNameOf } from "../../src/runtime/config/placement";
import { bulkItemRequestIdsOf, taskIdOf } from "../../src/domain/ids";
import { type Answer, call, until } from "./api";
import { arm, disarm, type Fault, type Scope, watchCalls } from "./faults";
import { type Case, isInsert, isObjects, type Place, placesOf, RING, type Strike } from "./creation-strikes";
import { addMemories, newAgent, newCollection, newTenant } from "./nouns";
import { PLACEMENT } from "./placement";
import { batchOf, rows } from "./scene";

/** Cases under way at once: most of them only wait for a limit of time. */
const CASES_AT_ONCE = 120;
const MEMORIES = 2;
/** More than the minute for which an alarm sleeps that crashed in its work. */
const END_WITHIN_MS = 180_000;
/** A client that tries again, and a look at the rows: seldom enough that many cases leave the machine to the Worker. */
const EVERY_MS = 200;

/** What a client sends: one task, or a bulk of two, which one object claims together. */
export type Sending = "one" | "bulk";

/** A creation of its own: nobody else's calls name its ids, and no other case of now is in its object. */
interface Creation {
  readonly taskIds: readonly string[];
  readonly scope: Scope;
  readonly put: () => Promise<readonly Sent[]>;
  readonly done: () => void;
}

/** What the client heard of one task. */
interface Sent {
  readonly status: number;
  readonly replayed: boolean;
  readonly taskId: unknown;
}

const tenant = await newTenant();
const { collection_id: collectionId } = await newCollection(tenant.key);
const texts = Array.from({ length: MEMORIES }, (_, i) => ({ text: `I fed ${i + 2} dogs in Lisbon.` }));
const added = await addMemories(tenant.key, collectionId, texts);
const memoryIds: readonly string[] = added.body.results.map((result: { memory_id: string }) => result.memory_id);

async function newCreation(sending: Sending): Promise<Creation> {
  const { body: made } = await call("PUT", "/v1/keys", { body: { name: "case", namespace_id: tenant.namespaceId } });
  const { agent_id: agentId } = await newAgent(tenant.key);
  const { requestId, taskIds, done } = await ownObject(sending);
  const body = batchOf({ agentId, collectionId, memoryIds });
  const send = (sent: unknown) => call("PUT", "/v1/batches", { key: made.key, body: sent, headers: { requestId } });
  const put = async () =>
    sending === "one" ? [sentOf(await send(body))] : sentOfBulk(await send({ items: [body, body] }));
  return { taskIds, scope: [...taskIds, agentId, made.key_id], put, done };
}

function sentOf({ status, headers, body }: Answer): Sent {
  return { status, replayed: headers.get("Idempotent-Replayed") === "true", taskId: body.id };
}

/** A bulk that is refused as a whole answers for each of its tasks. */
function sentOfBulk({ status, body }: Answer): readonly Sent[] {
  if (status !== 200) return [{ status, replayed: false, taskId: undefined }];
  return body.results.map((result: { status: number; replayed: boolean; task_id: string }) => ({
    status: result.status,
    replayed: result.replayed,
    taskId: result.task_id,
  }));
}

const objectsInUse = new Set<string>();

/** Draws request ids until their object is nobody else's: a crash of this case must reset this case alone. */
async function ownObject(sending: Sending) {
  for (;;) {
    const requestId = crypto.randomUUID();
    const items = () => Promise.all([0, 1].map((index) => bulkItemRequestIdsOf(requestId)(index)));
    const ids = sending === "one" ? [requestId] : await items();
    const taskIds = await Promise.all(ids.map((id) => taskIdOf(tenant.namespaceId, id)));
    const names = taskIds.map((taskId) => objectNameOf(PLACEMENT, taskId));
    if (names.some((name) => objectsInUse.has(name))) continue;
    for (const name of names) objectsInUse.add(name);
    return { requestId, taskIds, done: () => names.forEach((name) => objectsInUse.delete(name)) };
  }
}

/** The calls of a creation without a fault, from the PUT until its bell is taken, each once. */
export async function placesOfCreation(sending: Sending = "one"): Promise<readonly Place[]> {
  const creation = await newCreation(sending);
  const labels = watchCalls(creation.scope);
  await creation.put();
  await endOf(creation);
  creation.done();
  const taken = labels.findIndex((label, at) => label.startsWith("db: ") && labels.slice(0, at).includes(RING));
  const path = [...new Set(labels.slice(0, taken + 1))];
  return placesOf(path);
}

/** What came of a creation whose client sent it until it was acknowledged, and once more in the end. */
export interface Outcome {
  readonly fired: readonly number[];
  /** Statuses of the client's calls that are neither an acknowledgement nor a 503. */
  readonly refusals: readonly number[];
  readonly tasks: readonly TaskState[];
}

interface TaskState {
  readonly statuses: readonly string[];
  readonly sources: readonly string[];
  readonly memoryCount: number;
  /** The last call: its status, whether it was a replay, and whether it showed this task. */
  readonly replay: readonly unknown[];
}

/** What must come of every creation, whatever happened to it: the last call is a replay that shows the one task. */
export function exactlyOnce(met: number, sending: Sending = "one"): Outcome {
  const task: TaskState = {
    statuses: ["complete"],
    sources: memoryIds.toSorted(),
    memoryCount: MEMORIES,
    replay: [200, true, true],
  };
  return {
    fired: Array.from({ length: met }, () => 1),
    refusals: [],
    tasks: sending === "one" ? [task] : [task, task],
  };
}

/** @param met how many of the strikes are to be waited for. */
async function strike(strikes: readonly Strike[], met: number, sending: Sending): Promise<Outcome> {
  const creation = await newCreation(sending);
  const faults: Fault[] = [];
  const [first, second] = strikes;
  // An insert that was made, and is only not known to be, is made again unless the task ends before: so its bells wait.
  const waits =
    second !== undefined && met === 2 && isInsert(second) && first && isInsert(first) && first.kind === "fails-after";
  const silence = waits ? arm("drops", RING, 1_000, { scope: creation.scope }) : undefined;
  for (const each of strikes) {
    const after = faults.at(-1);
    const limits = { scope: creation.scope, fromObject: isObjects(each), ...(after && { after }) };
    faults.push(arm(each.kind, each.place.label, 1, limits));
  }
  const refusals: number[] = [];
  const acknowledged = () => putUntilAcknowledged(creation, refusals);
  await acknowledged();
  if (silence !== undefined) await until(async () => faults, areMet(met), END_WITHIN_MS, EVERY_MS);
  disarm(silence);
  await endOf(creation);
  await acknowledged();
  await until(async () => faults, areMet(met), END_WITHIN_MS, EVERY_MS);
  const replays = await acknowledged();
  disarm(...faults);
  creation.done();
  const tasks = await Promise.all(creation.taskIds.map((taskId, index) => stateOf(taskId, replays[index])));
  return { tasks, fired: faults.map(({ fired }) => fired), refusals };
}

function areMet(count: number): (faults: readonly Fault[]) => boolean {
  return (faults) => faults.filter(({ fired }) => fired > 0).length >= count;
}

/** Sends the same creation until all of it is acknowledged, as a client does that gets 503. */
function putUntilAcknowledged({ put }: Creation, refusals: number[]): Promise<readonly Sent[]> {
  const send = async () => {
    const sent = await put();
    for (const { status } of sent) if (status >= 300 && status !== 503) refusals.push(status);
    return sent;
  };
  return until(send, (sent) => sent.every(({ status }) => status !== 503), END_WITHIN_MS, EVERY_MS);
}

/** Straight from D1: a look through the Worker could itself meet a fault. */
async function endOf({ taskIds }: Creation): Promise<void> {
  const sql = "SELECT 1 FROM tasks WHERE id IN (SELECT value FROM json_each(?)) AND ended_at_ms IS NOT NULL";
  const find = () => rows(sql, JSON.stringify(taskIds));
  await until(find, (found) => found.length === taskIds.length, END_WITHIN_MS, EVERY_MS);
}

async function stateOf(taskId: string, replay: Sent | undefined): Promise<TaskState> {
  const found = await rows<{ status: string }>(
    "SELECT status FROM tasks WHERE id = ?1 OR request_id = (SELECT request_id FROM tasks WHERE id = ?1)",
    taskId,
  );
  const made = await rows<{ source: string }>(
    "SELECT source_memory_id AS source FROM memories WHERE task_id = ? ORDER BY source_memory_id",
    taskId,
  );
  const [target] = await rows<{ count: number }>(
    `SELECT memory_count AS count FROM collections
     WHERE id = (SELECT json_extract(command, '$.target.collectionId') FROM tasks WHERE id = ?)`,
    taskId,
  );
  return {
    statuses: found.map(({ status }) => status),
    sources: made.map(({ source }) => source),
    memoryCount: target?.count ?? 0,
    replay: [replay?.status, replay?.replayed, replay?.taskId === taskId],
  };
}

/** Runs all cases, many side by side. @returns what came of each, with as many of its faults as can be met. */
export async function strikeAll(cases: readonly Case[], sending: Sending = "one"): Promise<(of: Case) => Outcome> {
  const slot = pLimit(CASES_AT_ONCE);
  const outcomes = new Map<Case, Outcome | Error>();
  const run = async (each: Case) => {
    const outcome = await strike(each.strikes, each.met, sending).catch((error: unknown) => new Error(String(error)));
    outcomes.set(each, outcome);
  };
  await Promise.all(cases.map((each) => slot(() => run(each))));
  return (each) => {
    const outcome = outcomes.get(each);
    if (outcome === undefined || outcome instanceof Error) throw outcome ?? new Error(`Not run: ${each.name}`);
    return { ...outcome, fired: outcome.fired.slice(0, each.met) };
  };
}
