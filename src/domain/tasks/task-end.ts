import type { TaskError, TaskProgress, TaskStatus } from "./task";
import type { Operation, TaskResult } from "./operations";

/** The ends of a task that somebody may want to hear of. */
export const WEBHOOK_EVENTS = ["complete", "error", "canceled"] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** Where a client wants to hear of the end of a task. */
export interface WebhookWish {
  readonly url: string;
  readonly events: readonly WebhookEvent[];
}

/** The same as a task keeps it: with the endpoint that this address is in its namespace. */
export interface TaskWebhook extends WebhookWish {
  readonly id: string;
  /** The version of the server's key that the endpoint's secret is made with, if the task makes the endpoint. */
  readonly secretKey: string;
}

/** An address that is told of the ends of tasks. */
export interface Webhook {
  readonly id: string;
  readonly namespaceId: string;
  readonly url: string;
  readonly description: string | null;
  /** While it is not, ends make no deliveries for it, and what waits is dropped when its turn comes. */
  readonly enabled: boolean;
  /** `gone`: its server answered 410. Null when it is enabled, or was disabled by hand. */
  readonly disabledReason: "gone" | null;
  /** Counts changes. */
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** What its secrets are derived from; never shown. */
export interface WebhookSecretState {
  readonly secretVersion: number;
  /** The version of the server's key behind the secret: a newer key of the server changes no secret. */
  readonly secretKey: string;
  /** That of the secret before, while it still signs too. */
  readonly formerSecretKey: string | null;
  readonly rotatedAtMs: number | null;
}

/** A rotated secret goes on signing for so long, beside the new one: Standard Webhooks lists both signatures. */
export const FORMER_SECRET_HOURS = 24;

/** `dropped`: its endpoint was disabled or deleted before it was delivered. */
export const DELIVERY_STATES = ["pending", "delivered", "failed", "dropped"] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** The end of a run, as it was when it came. */
export interface TaskEnd {
  readonly taskId: string;
  readonly requestId: string;
  readonly operation: Operation | null;
  readonly run: number;
  readonly status: TaskStatus;
  readonly progress: TaskProgress;
  readonly result: TaskResult | null;
  readonly error: TaskError | null;
  readonly endedAtMs: number;
}

/** One try to deliver. */
export interface DeliveryAttempt {
  readonly atMs: number;
  readonly durationMs: number | null;
  /** What its server answered; null when there was no answer. */
  readonly status: number | null;
  /** Why it did not succeed, in our own words; null when it did. */
  readonly error: string | null;
}

/** One message to one endpoint: the end of one run of one task. */
export interface Delivery {
  readonly id: string;
  readonly webhookId: string;
  readonly taskId: string;
  readonly run: number;
  readonly event: WebhookEvent;
  readonly state: DeliveryState;
  /** Since its birth, or since it was asked for by hand. */
  readonly attempts: number;
  /** Null when there is none to come. */
  readonly nextAttemptAtMs: number | null;
  /** The last {@link ATTEMPTS_KEPT_MAX}, the oldest first. */
  readonly log: readonly DeliveryAttempt[];
  readonly createdAtMs: number;
  readonly endedAtMs: number | null;
}

export const ATTEMPTS_KEPT_MAX = 20;
/** Deliveries are removed so long after their end of a task. */
export const DELIVERY_DAYS = 30;

/**
 * The delivery of a run's end: the same however often it is sent, so that a receiver can tell a repeat. The trigger that
 * writes it makes the same id.
 */
export function deliveryIdOf(taskId: string, run: number): string {
  return `delivery_${taskId.slice("task_".length)}_${run}`;
}

/**
 * How long to wait after each attempt that failed, in seconds; after the last of them follows one more attempt. Three days
 * and a few hours in all. Source: the schedule that Standard Webhooks recommends.
 */
export const RETRY_SECONDS = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400] as const;
export const ATTEMPTS_MAX = RETRY_SECONDS.length + 1;

/** Waits are longer by up to a fifth, so that what failed together does not come back together. */
const JITTER = 0.2;

/**
 * Seconds until the next attempt, or undefined after the last one.
 * @param attempts how many there were, 1 or more. @param askedSeconds what the answer asked for, bounded. @param random 0 to 1.
 */
export function retryAfterAttempt(attempts: number, askedSeconds: number, random: number): number | undefined {
  const seconds = RETRY_SECONDS[attempts - 1];
  if (seconds === undefined) return undefined;
  return Math.ceil(Math.max(seconds * (1 + random * JITTER), askedSeconds));
}
