import {
  delayDueDeliveries,
  listDeliveries as listStored,
  listDueDeliveries,
  removeOldDeliveries,
  reviveDelivery,
} from "../../data/webhooks/delivery-store";
import { errorText } from "../../domain/basics/error-text";
import type { Page, PageRequest } from "../../domain/page";
import { type Delivery, DELIVERY_DAYS, deliveryIdOf, type DeliveryState } from "../../domain/tasks/task-end";
import type { CallContext, Services } from "../context";
import { notFound, ServiceError } from "../errors/errors";
import type { Swept } from "../basics/swept";
import { getWebhook } from "./webhooks";

const DAY_MS = 86_400_000;
/** What was rung for and is still due is rung for again after this. */
const LOOK_AGAIN_MS = 600_000;
/** Deliveries that a sweep rings for. */
const SWEEP_PAGE_SIZE = 100;
const REMOVED_PER_SWEEP = 1_000;

/** The log of an endpoint: what was to be told, and how it went. @throws ServiceError `webhook-not-found`. */
export async function listDeliveries(
  ctx: CallContext,
  webhookId: string,
  state: DeliveryState | undefined,
  page: PageRequest,
): Promise<Page<Delivery>> {
  await getWebhook(ctx, webhookId);
  return listStored(ctx.db, { namespaceId: ctx.namespaceId, webhookId, state }, page);
}

/**
 * Delivers once more, now, with all attempts anew. The message has the same id, by which its receiver knows it.
 * @throws ServiceError `webhook-not-found`, `delivery-not-found`, `webhook-disabled`.
 */
export async function redeliver(ctx: CallContext, webhookId: string, id: string): Promise<Delivery> {
  const webhook = await getWebhook(ctx, webhookId);
  const { namespaceId } = ctx;
  if (!webhook.enabled) {
    const detail = "The webhook is disabled: nothing is sent to it. Enable it with PATCH /v1/webhooks/{webhook_id}.";
    throw new ServiceError("conflict", "webhook-disabled", detail);
  }
  const revived = await reviveDelivery(ctx.db, { namespaceId, webhookId, id });
  if (revived === undefined) throw notFound("delivery");
  await ring(ctx, [id]);
  return revived;
}

/** Deliveries that are rung for when many tasks end at once; the others are the sweeper's. */
const ENDS_RUNG_FOR_MAX = 1_000;

/**
 * Rings for the deliveries of ends, where their tasks may have one, as far as one call goes. A queue that does not take
 * them is not asked again: the sweeper rings for what is lost. Called by `announce-end.ts` alone.
 */
export async function ringForEnds(
  services: Services,
  ends: readonly { readonly id: string; readonly run: number }[],
): Promise<void> {
  const ids = ends.slice(0, ENDS_RUNG_FOR_MAX).map(({ id, run }) => deliveryIdOf(id, run));
  if (ids.length > 0) await ring(services, ids);
}

/**
 * Rings for what is due and was not rung for, or whose bell was lost. It is rung for first, and looked at again later only
 * then: a crash in between rings twice, and misses none.
 */
export async function sweepDeliveries({ db, webhooks }: Services): Promise<Swept> {
  const due = await listDueDeliveries(db, SWEEP_PAGE_SIZE);
  if (due.length > 0) {
    await webhooks.bells.ring(due, 0);
    await delayDueDeliveries(db, due, LOOK_AGAIN_MS);
  }
  return { count: due.length, hasMore: due.length === SWEEP_PAGE_SIZE };
}

/** Forgets deliveries that are past their time. */
export async function sweepOldDeliveries({ db }: Services): Promise<Swept> {
  const count = await removeOldDeliveries(db, DELIVERY_DAYS * DAY_MS, REMOVED_PER_SWEEP);
  return { count, hasMore: count === REMOVED_PER_SWEEP };
}

async function ring({ webhooks, log }: Services, deliveryIds: readonly string[]): Promise<void> {
  try {
    await webhooks.bells.ring(deliveryIds, 0);
  } catch (error) {
    log("warn", "delivery-bell-lost", { count: deliveryIds.length, error: errorText(error) });
  }
}
