import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";

import { RequestAnswer, TaskAnswer, TasksAnswer } from "./answers.ts";
import type { Client } from "./client.ts";
import { sendAndCut } from "./cut-request.ts";
import { DemoFault } from "./demo-fault.ts";
import type { Emit } from "./events.ts";
import type { DemoAgent, StoredCollection } from "./storing.ts";

const BATCHES_PATH = "/v1/batches";
/** How long the demo looks for the request whose answer it threw away. */
const LOOK_UP_MS_MAX = 10_000;
const LOOK_UP_EVERY_MS = 100;

/** One re-voicing: a collection for an agent. */
export interface Job {
  readonly agent: DemoAgent;
  readonly source: StoredCollection;
}

export interface SubmittedJob extends Job {
  readonly taskId: string;
}

/** Asks for a re-voicing the usual way. */
export async function submit(client: Client, job: Job): Promise<SubmittedJob> {
  const { body } = await client.call("PUT", BATCHES_PATH, {
    schema: TaskAnswer,
    body: batchBody(job),
    headers: { requestId: randomUUID() },
  });
  return { ...job, taskId: body.task_id };
}

/**
 * Asks for a re-voicing, loses the answer, and asks again with the same requestId and body.
 *
 * @returns the job, and whether the second answer named the task of the first request.
 * @throws DemoFault when the service made two tasks of it.
 */
export async function submitLosingAnswer(
  client: Client,
  job: Job,
  emit: Emit,
  signal: AbortSignal,
): Promise<SubmittedJob & { readonly sameTask: boolean }> {
  const requestId = randomUUID();
  const body = batchBody(job);
  const cut = await sendAndCut(
    {
      address: client.address,
      method: "PUT",
      path: BATCHES_PATH,
      headers: { authorization: `Bearer ${client.key}`, requestId },
      body: JSON.stringify(body),
    },
    signal,
  );
  emit({ event: "request-cut", request_id: requestId, bytes_sent: cut.bytesSent, bytes_read: cut.bytesRead });

  const firstTaskId = await lookUp(client, requestId, signal);
  emit({ event: "request-looked-up", request_id: requestId, task_id: firstTaskId ?? null });

  const second = await client.call("PUT", BATCHES_PATH, { schema: TaskAnswer, body, headers: { requestId } });
  const tasks = await client.call("GET", `${BATCHES_PATH}?request_id=${requestId}`, { schema: TasksAnswer });
  const replayed = second.headers.get("idempotent-replayed") === "true";
  const taskId = second.body.task_id;
  emit({
    event: "request-repeated",
    request_id: requestId,
    http_status: second.status,
    replayed,
    task_id: taskId,
    tasks_of_request: tasks.body.items.length,
  });
  if ((firstTaskId ?? taskId) !== taskId || tasks.body.items.length !== 1) {
    throw new DemoFault(`The service made more than one task of requestId ${requestId}: this is a fault in Refrain.`);
  }
  return { ...job, taskId, sameTask: replayed };
}

/** The task that the service made of a request, as soon as it knows of one; undefined when that takes too long. */
async function lookUp(client: Client, requestId: string, signal: AbortSignal): Promise<string | undefined> {
  const endsAtMs = performance.now() + LOOK_UP_MS_MAX;
  do {
    const request = await client.find(`/v1/requests/${requestId}`, RequestAnswer);
    if (request !== undefined) return request.task_id;
    await delay(LOOK_UP_EVERY_MS, undefined, { signal });
  } while (performance.now() < endsAtMs);
  return undefined;
}

function batchBody({ agent, source }: Job) {
  return {
    operation: "re-voice",
    agent_id: agent.agentId,
    collection_id: source.collectionId,
    target: { name: `${source.name}, as told by ${agent.name}` },
  };
}
