import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { type Answer, call } from "../api";
import { envWith } from "../env-with";
import { batchOf, putBatch } from "../scene";
import { sweepOnce } from "../sweeper";
import worker from "../worker";
import type { Asked, Seen, Subject } from "./ledger";
import type { Play } from "./stage";
import type { Act, Body } from "./steps";

const QUEUE = "refrain-task-bells";
const RETENTION_DAYS = 90;

/** Does one thing, and writes down what was seen of it. */
export async function perform(play: Play, act: Act): Promise<void> {
  switch (act.do) {
    case "put":
      return ask(play, subjectOf(play, act.id), { asked: "put", body: act.body, elsewhere: act.elsewhere });
    case "post":
      return post(play);
    case "bulk":
      return bulk(play, act.items);
    case "get":
    case "get-request":
    case "cancel":
    case "cancel-request":
    case "delete":
      return ask(play, subjectOf(play, act.id), { asked: act.do });
    case "invoke": {
      const own = act.own === null ? undefined : play.invokeIds[act.own];
      return ask(play, subjectOf(play, act.id), { asked: "invoke", ...(own !== undefined && { own }) });
    }
    case "sweep":
      // A sweep that fails is made up for by the next.
      return void (await sweepOnce().catch(() => undefined));
    case "deliver":
      return deliver(play, act.how);
    default:
      return act satisfies never;
  }
}

function subjectOf(play: Play, id: number): Subject {
  const subject = play.subjects[id];
  if (subject === undefined) throw new Error(`A schedule has no id ${id}.`);
  return subject;
}

/** One call of a client. */
export async function ask(
  play: Play,
  subject: Subject,
  what: { readonly asked: Asked; readonly body?: Body; readonly own?: string; readonly elsewhere?: boolean },
): Promise<void> {
  const seen = play.ledger.begin(subject, what);
  const answer = await send(play, subject, seen).catch((error: unknown) => {
    // workerd ends a call that hangs for ever: it stays unknown what became of it. Nothing else leaves a call unanswered.
    if (play.control.fired.some((hit) => hit.startsWith("hangs"))) return undefined;
    throw error;
  });
  if (answer !== undefined) see(play, seen, answer);
}

function see(play: Play, seen: Seen, answer: Pick<Answer, "status" | "body">): void {
  const troubled = play.troubled || play.control.fired.length > 0;
  play.ledger.end(seen, answer, { troubled, aged: play.daysWaited >= RETENTION_DAYS });
}

function send(play: Play, subject: Subject, { asked, body = "a", own, elsewhere }: Seen): Promise<Answer> {
  const { taskId } = subject;
  const requestId = subject.requestId ?? "";
  switch (asked) {
    case "put":
      return (elsewhere ? putElsewhere : putBatch)(requestId, bodyOf(play, body));
    case "get":
      return call("GET", `/v1/checkmate/tasks/${taskId}`);
    case "get-request":
      return call("GET", `/v1/requests/${requestId}`);
    case "cancel":
      return call("PATCH", `/v1/checkmate/tasks/${taskId}/cancel`);
    case "cancel-request":
      return call("PATCH", `/v1/requests/${requestId}/cancel`);
    case "delete":
      return call("DELETE", `/v1/batches/${taskId}`);
    case "invoke": {
      const headers = own === undefined ? {} : { requestId: own };
      return call("PATCH", `/v1/checkmate/tasks/${taskId}/invoke`, { headers });
    }
    default:
      return asked satisfies never;
  }
}

/** Another placement than that of the project: a second object for the same id. */
const OTHER_PLACEMENT = "7";
const otherVersion = envWith({ REQUEST_OBJECTS: OTHER_PLACEMENT });

/** The same call at a version of the Worker that places its objects otherwise, while the first is alive too. */
async function putElsewhere(requestId: string, body: unknown): Promise<Answer> {
  const headers = { authorization: "Bearer test-admin-key", "content-type": "application/json", requestId };
  const request = new Request("https://refrain.test/v1/batches", {
    method: "PUT",
    headers,
    body: JSON.stringify(body),
  });
  const answer = await worker.fetch(request, otherVersion, createExecutionContext());
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

function bodyOf(play: Play, body: Body): Record<string, unknown> {
  return batchOf(play.stage.scene, { name: body });
}

/** Its request id is minted, so its task is known from the answer only. */
async function post(play: Play): Promise<void> {
  const answer = await call("POST", "/v1/batches", { body: bodyOf(play, "a") });
  const taskId: unknown = answer.body?.task_id;
  if (typeof taskId !== "string") return;
  const subject = play.ledger.subject(answer.body.request_id ?? null, taskId, true);
  see(play, play.ledger.begin(subject, { asked: "put", body: "a" }), answer);
}

async function bulk(play: Play, items: readonly { readonly id: number; readonly body: Body }[]): Promise<void> {
  const begun = items.map(({ id, body }) => play.ledger.begin(subjectOf(play, id), { asked: "put", body }));
  const sent = items.map(({ id, body }) => ({ ...bodyOf(play, body), request_id: subjectOf(play, id).requestId }));
  const answer = await putBatch(crypto.randomUUID(), { items: sent });
  const results: readonly any[] = answer.body?.results ?? [];
  for (const [index, seen] of begun.entries()) {
    const { status = answer.status, problem = answer.body } = results[index] ?? {};
    see(play, seen, { status, body: problem });
  }
}

/** Bells reach the real consumer; those that it wants to hear again wait with the others. */
export async function deliver(play: Play, how: "one" | "all" | "backwards" | "twice"): Promise<void> {
  const { control } = play;
  const bodies = control.bells.splice(0, how === "one" ? 1 : control.bells.length);
  if (how === "backwards") bodies.reverse();
  if (how === "twice") bodies.push(...bodies);
  if (bodies.length === 0) return;
  const messages = bodies.map((body, at) => ({ id: `m${at}`, timestamp: new Date(), attempts: 1, body }));
  const batch = createMessageBatch(QUEUE, messages);
  await worker.queue(batch, env);
  const { retryMessages } = await getQueueResult(batch, createExecutionContext());
  control.bells.push(...retryMessages.map(({ msgId }) => bodies[Number(msgId.slice(1))]));
}
