import { bulkItemRequestIdsOf, taskIdOf } from "../../src/domain/ids";
import { type Answer, call, until } from "./api";
import { CALL, type Sending } from "./creation-places";
import { type Scope, seeCalls } from "./faults";
import { letIsolateOutliveObjects } from "./faulty-bindings";
import { addMemories, newAgent, newCollection, newTenant } from "./nouns";
import { batchOf } from "./scene";
import { evicted } from "./evict";
import { type Version, versionOf } from "./versions";
import { PLACEMENT } from "./placement";

/** A creation of its own: nobody else's calls name its ids, and no other case of now is in its object. */
export interface Creation {
  readonly taskIds: readonly string[];
  readonly scope: Scope;
  /** @returns what the client heard of each task. */
  readonly put: (isStruck: () => boolean) => Promise<readonly Sent[]>;
  /** Its objects, which nobody asks any more, are gone from memory: but what is known outlives them. */
  readonly forget: () => Promise<void>;
  readonly done: () => void;
}

/** What the client heard of one task in one call. */
export interface Sent {
  readonly ofTask: string;
  readonly status: number;
  readonly code: string | undefined;
  readonly replayed: boolean;
  readonly taskId: unknown;
  /** Of a 503 in doubt: until when. */
  readonly doubtUntil: unknown;
  /** Under which the object was asked. None where the call never came so far. */
  readonly callIds: readonly string[];
}

const MEMORIES = 2;
const LOOK_EVERY_MS = 5;

const tenant = await newTenant();
const { agent_id: agentId } = await newAgent(tenant.key);
const { collection_id: collectionId } = await newCollection(tenant.key);
const texts = Array.from({ length: MEMORIES }, (_, i) => ({ text: `I fed ${i + 2} dogs in Lisbon.` }));
const added = await addMemories(tenant.key, collectionId, texts);
const body = batchOf({ agentId, collectionId, memoryIds: [] });

/** The memories that each creation re-voices. */
export const memoryIds: readonly string[] = added.body.results.map((result: { memory_id: string }) => result.memory_id);

/** The version under test, and one that is deployed beside it. */
const VERSIONS = [versionOf(String(PLACEMENT)), versionOf("499")] as const;

/** @param ownKey whether the Worker has never seen its key. */
export async function newCreation(sending: Sending, ownKey: boolean): Promise<Creation> {
  const [{ requestId, taskIds, names, siblingId }, key] = await Promise.all([ownObject(sending), keyFor(ownKey)]);
  const { seen, end } = seeCalls(taskIds);
  const sent = sending === "bulk" ? { items: [body, body] } : body;
  const send = async (id: string, version?: Version): Promise<readonly Sent[]> => {
    const from = seen.length;
    const put = version?.call ?? call;
    const answer = await put("PUT", "/v1/batches", { key: key.secret, body: sent, headers: { requestId: id } });
    const askedOf = (taskId: string) => callIdsIn(seen.slice(from), taskId, version?.objectNameOf(taskId));
    return taskIds.map((taskId, index) => ({
      ofTask: taskId,
      ...heardOf(answer, sending === "bulk" ? index : undefined),
      callIds: askedOf(taskId),
    }));
  };
  // What is known is known to the isolate.
  letIsolateOutliveObjects(sending === "known");
  if (sending === "known") await send(siblingId);
  const putToBoth = async (isStruck: () => boolean) => {
    const first = send(requestId, VERSIONS[0]);
    await Promise.race([first, until(async () => isStruck(), Boolean, undefined, LOOK_EVERY_MS)]);
    return [...(await send(requestId, VERSIONS[1])), ...(await first)];
  };
  return {
    taskIds,
    scope: [...taskIds, ...key.ids],
    put: sending === "both" ? putToBoth : () => send(requestId),
    forget: () => (sending === "known" ? Promise.resolve() : evicted(names)),
    done: () => {
      end();
      for (const name of names) objectsInUse.delete(name);
    },
  };
}

async function keyFor(ownKey: boolean) {
  if (!ownKey) return { secret: tenant.key, ids: [] };
  const { body: made } = await call("PUT", "/v1/keys", { body: { name: "case", namespace_id: tenant.namespaceId } });
  return { secret: made.key, ids: [made.key_id] };
}

/** @param index of an item of a bulk; a bulk that is refused as a whole answers for each of its tasks. */
function heardOf({ status, headers, body: told }: Answer, index: number | undefined): Omit<Sent, "callIds" | "ofTask"> {
  const result = index === undefined ? undefined : told?.results?.[index];
  if (result === undefined) {
    const replayed = headers.get("Idempotent-Replayed") === "true";
    return { status, code: told?.code, replayed, taskId: told?.task_id, doubtUntil: told?.doubt_until };
  }
  const { problem, replayed, task_id: taskId } = result;
  return { status: result.status, code: problem?.code, replayed, taskId, doubtUntil: problem?.doubt_until };
}

/** The call ids under which an object was asked for a task. @param of the object; undefined for any. */
function callIdsIn(calls: ReturnType<typeof seeCalls>["seen"], task: string, of?: string): readonly string[] {
  const asked = calls.filter(({ label }) => label === CALL).map(({ about }): [string, Asked[]] => JSON.parse(about()));
  const own = asked.filter(([name]) => of === undefined || name === of).flatMap(([, each]) => each);
  return own.filter(({ taskId }) => taskId === task).map(({ callId }) => callId);
}

interface Asked {
  readonly taskId: string;
  readonly callId: string;
}

const objectsInUse = new Set<string>();

/** Draws request ids until their object is nobody else's: a crash of this case must reset this case alone. */
async function ownObject(sending: Sending) {
  for (;;) {
    const drawn = crypto.randomUUID();
    // The request ids of one bulk's items meet in one object, whoever sends them.
    const [first = "", second = ""] = await Promise.all([0, 1].map((index) => bulkItemRequestIdsOf(drawn)(index)));
    const ids = { one: [drawn], both: [drawn], known: [first], bulk: [first, second] }[sending];
    const taskIds = await Promise.all(ids.map((id) => taskIdOf(tenant.namespaceId, id)));
    const versions = sending === "both" ? VERSIONS : VERSIONS.slice(0, 1);
    const names = [...new Set(versions.flatMap(({ objectNameOf }) => taskIds.map(objectNameOf)))];
    if (names.some((name) => objectsInUse.has(name))) continue;
    for (const name of names) objectsInUse.add(name);
    return { requestId: sending === "known" ? first : drawn, siblingId: second, taskIds, names };
  }
}
