import { type Creation, memoryIds, type Sent } from "./creation-client";
import type { Sending } from "./creation-places";
import type { Fault } from "./faults";
import { rows } from "./scene";

/** What came of a creation whose client sent it until it was acknowledged, and once more in the end. */
export interface Outcome {
  /** How often each fault struck. */
  readonly fired: readonly number[];
  /** What the client heard that it must not hear. */
  readonly wrong: readonly string[];
  readonly tasks: readonly TaskState[];
}

interface TaskState {
  readonly requests: number;
  readonly statuses: readonly string[];
  readonly runs: readonly number[];
  readonly sources: readonly string[];
  readonly memoryCount: number;
  /** Whether the client's last calls were replays that showed this task. */
  readonly isReplayed: boolean;
}

/** What must come of every creation, whatever happened to it: the last call is a replay that shows the one task. */
export function exactlyOnce(met: number, sending: Sending = "one"): Outcome {
  const task: TaskState = {
    requests: 1,
    statuses: ["complete"],
    runs: [1],
    sources: memoryIds.toSorted(),
    memoryCount: memoryIds.length,
    isReplayed: true,
  };
  return {
    fired: Array.from({ length: met }, () => 1),
    wrong: [],
    tasks: sending === "bulk" ? [task, task] : [task],
  };
}

const of = (sent: readonly Sent[], taskId: string) => sent.filter(({ ofTask }) => ofTask === taskId);
const told = ({ status, code }: Sent) => `${status} ${code ?? ""}`;

/** @param seen all that the client heard. */
export async function outcomeOf(
  { taskIds }: Creation,
  seen: { readonly faults: readonly Fault[]; readonly sent: readonly Sent[]; readonly replays: readonly Sent[] },
): Promise<Outcome> {
  const { faults, sent, replays } = seen;
  const found = await Promise.all(taskIds.map((taskId) => stateOf(taskId, of(replays, taskId))));
  const wrong = taskIds.flatMap((taskId, at) => wrongIn(of(sent, taskId), taskId, found[at]?.callId));
  return { tasks: found.map(({ state }) => state), fired: faults.map(({ fired }) => fired), wrong };
}

/** @param callId of the call that made the task. */
function wrongIn(sent: readonly Sent[], taskId: string, callId: string | undefined): readonly string[] {
  const firsts = sent.filter(({ status }) => status === 201);
  return [
    ...sent.filter(({ status }) => ![200, 201, 503].includes(status)).map((each) => `refused: ${told(each)}`),
    ...(firsts.length > 1 ? [`${firsts.length} first creations`] : []),
    ...firsts.filter(({ callIds }) => !callIds.includes(callId ?? "")).map(() => "the first creation of another call"),
    ...sent
      .filter(({ status, code, callIds }) => status === 503 && code !== PENDING && callIds.includes(callId ?? ""))
      .map((each) => `it made the task, and was answered that it did not: ${told(each)}`),
    ...sent
      .filter(({ code }) => code === PENDING)
      .filter((each) => each.taskId !== taskId || Number.isNaN(Date.parse(String(each.doubtUntil))))
      .map((each) => `in doubt, and of what until when is not told: ${JSON.stringify(each)}`),
  ];
}

const PENDING = "creation-pending";

async function stateOf(taskId: string, replays: readonly Sent[]) {
  const requests = await rows<{ call_id: string }>(
    `SELECT call_id FROM requests
     WHERE id = ?1 OR request_id = (SELECT request_id FROM requests WHERE id = ?1) AND door = 'task'`,
    taskId,
  );
  const found = await rows<{ status: string; run: number }>(
    "SELECT status, run FROM tasks WHERE id = ?1 OR request_id = (SELECT request_id FROM tasks WHERE id = ?1)",
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
  const state: TaskState = {
    requests: requests.length,
    statuses: found.map(({ status }) => status),
    runs: found.map(({ run }) => run),
    sources: made.map(({ source }) => source),
    memoryCount: target?.count ?? 0,
    isReplayed: replays.every((each) => each.status === 200 && each.replayed && each.taskId === taskId),
  };
  return { state, callId: requests[0]?.call_id };
}
