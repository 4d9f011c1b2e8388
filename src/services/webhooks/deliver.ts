import { claimDelivery, type ClaimedDelivery, endAttempt } from "../../data/webhooks/delivery-store";
import { errorText } from "../../domain/basics/error-text";
import { retryAfterAttempt, type TaskEnd } from "../../domain/tasks/task-end";
import type { Services } from "../context";
import type { WebhookAnswer } from "../ports/ports";
import { AddressRefused, refuseInnerAddresses } from "./webhook-address";
import { signingSecrets } from "./webhook-secrets";

/** Puts the end of a task into the words of the contract: the body of a message. */
export type EndFormat = (deliveryId: string, end: TaskEnd) => string;

/** What becomes of a bell: it is done with; or its endpoint has enough to do, and it is to be rung again. */
export type DeliveryVerdict = "done" | "busy";

/** Attempts for one endpoint that may be under way at once, in all invocations: a slow one keeps no more of us waiting. */
const ATTEMPTS_PER_ENDPOINT_MAX = 2;
/** Longer than an attempt with its look-ups can take. */
const ATTEMPT_LEASE_MS = 60_000;
/** The queue keeps no message back for longer; what comes later is rung for by the sweeper. */
const BELL_DELAY_SECONDS_MAX = 43_200;
/** Answers that ask to be left alone, and may say for how long. */
const ASKING_STATUSES: ReadonlySet<number> = new Set([429, 503]);
const GONE_STATUS = 410;

type Failure = { readonly status: number | null; readonly error: string; readonly askedSeconds: number };

/**
 * Makes the next attempt of a delivery, if it is due and nobody else is at it. A crash after the message was sent and
 * before that is written sends it again, under the same id: a receiver hears of each end once or more, never not at all.
 */
export async function deliver(services: Services, format: EndFormat, id: string): Promise<DeliveryVerdict> {
  const { db, clock } = services;
  const token = crypto.randomUUID();
  const limits = { leaseMs: ATTEMPT_LEASE_MS, perEndpointMax: ATTEMPTS_PER_ENDPOINT_MAX };
  const claimed = await claimDelivery(db, { id, token, ...limits });
  if (claimed.kind === "busy") return "busy";
  if (claimed.kind === "nothing") return "done";
  const { delivery } = claimed;
  const begunAtMs = clock.nowMs();
  const answer = await attempt(services, format, delivery);
  const failure = failureOf(answer);
  const delaySeconds = failure && delayOf(delivery, failure);
  await endAttempt(
    db,
    { id, token, webhookId: delivery.webhook.id },
    {
      state: failure === null ? "delivered" : delaySeconds === undefined ? "failed" : "pending",
      durationMs: clock.nowMs() - begunAtMs,
      status: answer.status,
      error: failure?.error ?? null,
      delayMs: (delaySeconds ?? 0) * 1_000,
      gone: answer.status === GONE_STATUS,
    },
  );
  if (typeof delaySeconds === "number") await ringForRetry(services, id, delaySeconds);
  return "done";
}

async function attempt(services: Services, format: EndFormat, delivery: ClaimedDelivery): Promise<WebhookAnswer> {
  const { webhooks, clock } = services;
  const { id, end, webhook } = delivery;
  try {
    await refuseInnerAddresses(webhook.url, webhooks);
  } catch (error) {
    return { status: null, error: error instanceof AddressRefused ? error.message : unresolved(services, id, error) };
  }
  const secrets = await signingSecrets(services, webhook);
  if (secrets === undefined) return { status: null, error: "The secret cannot be made any more: rotate it." };
  return webhooks.sender.send({ url: webhook.url, id, atMs: clock.nowMs(), body: format(id, end), secrets });
}

function unresolved(services: Services, id: string, error: unknown): string {
  services.log("warn", "webhook-unresolved", { delivery_id: id, error: errorText(error) });
  return "The name of the host could not be resolved.";
}

function failureOf(answer: WebhookAnswer): Failure | null {
  if (answer.status === null) return { ...answer, askedSeconds: 0 };
  const { status, retryAfterSeconds } = answer;
  if (status >= 200 && status < 300) return null;
  const askedSeconds = ASKING_STATUSES.has(status) ? retryAfterSeconds : 0;
  const error = status >= 300 && status < 400 ? "Redirects are not followed." : `The server answered ${status}.`;
  return { status, error, askedSeconds };
}

/** @returns undefined when there is no further attempt. */
function delayOf({ attempts }: ClaimedDelivery, { status, askedSeconds }: Failure): number | undefined {
  return status === GONE_STATUS ? undefined : retryAfterAttempt(attempts, askedSeconds, Math.random());
}

/** Lost, the sweeper rings. */
async function ringForRetry({ webhooks, log }: Services, id: string, delaySeconds: number): Promise<void> {
  if (delaySeconds >= BELL_DELAY_SECONDS_MAX) return;
  // A second more: a bell that comes too early finds nothing to do.
  await webhooks.bells.ring([id], delaySeconds + 1).catch((error: unknown) => {
    log("warn", "delivery-bell-lost", { delivery_id: id, error: errorText(error) });
  });
}
