import * as store from "../../data/webhooks/webhook-store";
import { webhookIdOf } from "../../domain/ids";
import type { Page, PageRequest } from "../../domain/page";
import type { Webhook } from "../../domain/tasks/task-end";
import type { CallContext } from "../context";
import type { Created } from "../basics/created";
import { notFound, ServiceError } from "../errors/errors";
import { change, type VersionCondition } from "../optimistic-write";
import { checkAddress } from "./webhook-address";
import { currentSecret, formerUntilMs } from "./webhook-secrets";

/**
 * Makes the endpoint of an address, or finds it: an address is one endpoint in a namespace.
 * @throws ServiceError `webhook-refused`.
 */
export async function createWebhook(
  ctx: CallContext,
  draft: Pick<Webhook, "url" | "description">,
): Promise<Created<Webhook>> {
  const { db, namespaceId } = ctx;
  const url = await checkAddress(draft.url, "/url", ctx.webhooks);
  const id = await webhookIdOf(namespaceId, url);
  const secretKey = ctx.webhooks.secrets.newest;
  const added = await store.insertWebhook(db, { id, namespaceId, url, description: draft.description, secretKey });
  return { made: await getWebhook(ctx, id), replayed: !added };
}

/** @throws ServiceError `webhook-not-found`. */
export async function getWebhook(ctx: CallContext, id: string): Promise<store.StoredWebhook> {
  const webhook = await store.findWebhook(ctx.db, ctx.namespaceId, id);
  if (webhook === undefined) throw notFound("webhook");
  return webhook;
}

export function listWebhooks(ctx: CallContext, page: PageRequest): Promise<Page<Webhook>> {
  return store.listWebhooks(ctx.db, ctx.namespaceId, page);
}

/** @throws ServiceError `webhook-not-found`, `version-changed`. */
export function updateWebhook(
  ctx: CallContext,
  id: string,
  patch: Partial<Pick<Webhook, "description" | "enabled">>,
  condition: VersionCondition,
): Promise<Webhook> {
  return changeWebhook(ctx, id, condition, (webhook) => ({
    ...webhook,
    ...patch,
    // Who says anew whether it is enabled ends the reason why it was not.
    disabledReason: patch.enabled === undefined ? webhook.disabledReason : null,
  }));
}

/** What waits for it is dropped with it. @throws ServiceError `webhook-not-found`. */
export async function removeWebhook(ctx: CallContext, id: string): Promise<void> {
  if (!(await store.removeWebhook(ctx.db, ctx.namespaceId, id))) throw notFound("webhook");
}

export interface WebhookSecret {
  readonly secret: string;
  /** Until when the one before it signs too. */
  readonly formerUntilMs: number | null;
}

/** @throws ServiceError `webhook-not-found`, `webhook-secret-lost`. */
export async function getWebhookSecret(ctx: CallContext, id: string): Promise<WebhookSecret> {
  return secretOf(ctx, await getWebhook(ctx, id));
}

/**
 * Makes another secret. The one before it signs for {@link FORMER_SECRET_HOURS} hours more, so that receivers can change
 * over without a gap.
 * @throws ServiceError `webhook-not-found`, `version-changed`.
 */
export async function rotateWebhookSecret(
  ctx: CallContext,
  id: string,
  condition: VersionCondition,
): Promise<WebhookSecret> {
  const { newest } = ctx.webhooks.secrets;
  const rotated = await changeWebhook(ctx, id, condition, (webhook) => ({
    ...webhook,
    secretVersion: webhook.secretVersion + 1,
    secretKey: newest,
    formerSecretKey: webhook.secretKey,
  }));
  return secretOf(ctx, rotated);
}

async function secretOf(ctx: CallContext, webhook: store.StoredWebhook): Promise<WebhookSecret> {
  const secret = await currentSecret(ctx, webhook);
  if (secret === undefined) throw secretLost();
  return { secret, formerUntilMs: formerUntilMs(webhook, ctx.clock.nowMs()) };
}

function secretLost(): ServiceError {
  const detail = "The server's key behind this secret is not there any more. Make another one: PATCH …/rotate-secret.";
  return new ServiceError("conflict", "webhook-secret-lost", detail);
}

function changeWebhook(
  ctx: CallContext,
  id: string,
  condition: VersionCondition,
  step: (current: store.StoredWebhook) => store.StoredWebhook,
): Promise<store.StoredWebhook> {
  return change(ctx, {
    noun: "webhook",
    condition,
    read: () => getWebhook(ctx, id),
    step,
    write: (next, expectedVersion) => store.updateWebhook(ctx.db, next, expectedVersion),
    busy: () => new ServiceError("unavailable", "webhook-busy", "Others change this webhook too. Send the call again."),
  });
}
