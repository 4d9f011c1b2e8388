import { serviceClock } from "../../src/runtime/clock";
import { type Answer, call } from "./api";
import { rows } from "./scene";
import { sweepOnce } from "./sweeper";

/** A reserved id, and what fills it. */
export interface Held {
  readonly id: string;
  readonly putKey: string;
  readonly requestId: string;
  readonly expiresAt: string;
}

export function reserve(requestId: string, headers: Record<string, string> = {}): Promise<Answer> {
  return call("POST", "/v1/batches/id", { headers: { requestId, ...headers } });
}

export async function reserved(requestId: string = crypto.randomUUID()): Promise<Held> {
  const { status, body } = await reserve(requestId);
  if (status !== 201) throw new Error(`POST /v1/batches/id: ${status} ${JSON.stringify(body)}`);
  return { id: body.id, putKey: body.put_key, requestId, expiresAt: body.expires_at };
}

export function fill(
  { id, putKey }: Pick<Held, "id" | "putKey">,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return call("PUT", `/v1/batches/${id}`, { body, headers: { putKey, ...headers } });
}

/** The row of a task as it stands in D1, with its texts. */
export async function rowOf(taskId: string): Promise<any> {
  const [row] = await rows("SELECT * FROM tasks WHERE id = ?", taskId);
  return row;
}

/** Whether the id counts against the limit of its namespace. */
export async function isHeld(taskId: string): Promise<boolean> {
  const held = "SELECT 1 FROM requests WHERE id = ? AND held_until_ms > ?";
  return (await rows(held, taskId, serviceClock.nowMs())).length > 0;
}

/** As if it had been reserved so much earlier. */
export async function age(taskId: string, ms: number): Promise<void> {
  await rows(
    "UPDATE tasks SET created_at_ms = created_at_ms - ?1, ring_at_ms = ring_at_ms - ?1 WHERE id = ?2",
    ms,
    taskId,
  );
  await rows(
    "UPDATE requests SET first_seen_at_ms = first_seen_at_ms - ?1, held_until_ms = held_until_ms - ?1 WHERE id = ?2",
    ms,
    taskId,
  );
}

/** Lets the sweeper come by until it finds no more to do. */
export async function sweepAll(): Promise<void> {
  for (let more = true; more;) more = await sweepOnce();
}

/** Lets the sweeper come by when the task is due. */
export async function sweepOver(taskId: string): Promise<void> {
  await rows("UPDATE tasks SET ring_at_ms = 0 WHERE id = ?", taskId);
  await sweepOnce();
}
