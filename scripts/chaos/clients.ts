import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import type { Call, Caller } from "./caller.ts";
import type { EntryOf, Journal } from "./journal.ts";
import type { Random } from "./random.ts";

const POLL_MS = 500;
/** Shares of all creations. */
const SENT_AND_LEFT = 0.3;
const SENT_TWICE = 0.2;
const CANCELED = 0.1;
const LEFT_AFTER_MS = 60;
const CANCEL_AFTER_MS_MAX = 6_000;
/** A client waits for its task's end, but not for ever: then it makes another one beside it. */
const WAIT_MS_MAX = 60_000;

const Created = z.object({ id: z.string() });
export const TaskView = z.object({ task_id: z.string(), status: z.string(), ended_at: z.string().nullable() });

/** Creates tasks, one after the other, until `enough`. */
export async function runClient(
  caller: Caller,
  journal: Journal,
  { agentId, random, enough, signal }: ClientRun,
): Promise<void> {
  const [first, ...others] = journal.of("collection");
  if (first === undefined) throw new Error("There is no collection.");
  while (!enough()) {
    signal.throwIfAborted();
    const { collectionId } = random.pick([first, ...others]);
    const request: EntryOf<"requested"> = { kind: "requested", requestId: randomUUID(), collectionId };
    journal.write(request);
    const taskId = await create(caller, journal, { agentId, random, request });
    if (random.next() < CANCELED) await cancelSoon(caller, journal, { taskId, random, signal });
    await waitForEnd(caller, journal, taskId, signal);
  }
}

export interface ClientRun {
  readonly agentId: string;
  readonly random: Random;
  readonly enough: () => boolean;
  readonly signal: AbortSignal;
}

/** Sends the creation until it is answered; now and then once more, from the side. @returns the id of the task. */
export async function create(
  caller: Caller,
  journal: Journal,
  { agentId, random, request }: Pick<ClientRun, "agentId" | "random"> & { readonly request: EntryOf<"requested"> },
): Promise<string> {
  const { requestId, collectionId } = request;
  const call: Call<z.infer<typeof Created>> = {
    method: "PUT",
    path: "/v1/batches",
    headers: { requestId },
    body: { operation: "re-voice", agent_id: agentId, collection_id: collectionId, target: { name: requestId } },
    schema: Created,
  };
  const send = async (): Promise<string> => {
    const { body, headers } = await caller.call(call);
    const replayed = headers.get("idempotent-replayed") === "true";
    journal.write({ kind: "acknowledged", requestId, taskId: body.id, replayed });
    return body.id;
  };
  if (random.next() < SENT_AND_LEFT) await caller.sendAndLeave(call, LEFT_AFTER_MS);
  const [taskId] = random.next() < SENT_TWICE ? await Promise.all([send(), send()]) : [await send()];
  return taskId;
}

async function cancelSoon(
  caller: Caller,
  journal: Journal,
  { taskId, random, signal }: Pick<ClientRun, "random" | "signal"> & { readonly taskId: string },
): Promise<void> {
  await delay(random.between(0, CANCEL_AFTER_MS_MAX), undefined, { signal });
  const path = `/v1/checkmate/tasks/${taskId}/cancel`;
  const { body } = await caller.call({ method: "PATCH", path, schema: TaskView });
  journal.write({ kind: "canceled", taskId, status: body.status });
}

async function waitForEnd(caller: Caller, journal: Journal, taskId: string, signal: AbortSignal): Promise<void> {
  const untilMs = Date.now() + WAIT_MS_MAX;
  while (Date.now() < untilMs) {
    const { body } = await caller.call({ method: "GET", path: `/v1/checkmate/tasks/${taskId}`, schema: TaskView });
    if (body.ended_at !== null) return journal.write({ kind: "ended", taskId, status: body.status });
    await delay(POLL_MS, undefined, { signal });
  }
}
