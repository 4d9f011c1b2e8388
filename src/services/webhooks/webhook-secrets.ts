import { FORMER_SECRET_HOURS, type Webhook, type WebhookSecretState } from "../../domain/tasks/task-end";
import type { Services } from "../context";

const HOUR_MS = 3_600_000;

type SecretOwner = Pick<Webhook, "id"> & WebhookSecretState;

/** Until when the secret before the current one signs too; null when it does not. */
export function formerUntilMs({ formerSecretKey, rotatedAtMs }: WebhookSecretState, nowMs: number): number | null {
  if (formerSecretKey === null || rotatedAtMs === null) return null;
  const untilMs = rotatedAtMs + FORMER_SECRET_HOURS * HOUR_MS;
  return untilMs > nowMs ? untilMs : null;
}

/** The secret of an endpoint, or undefined when the server does not have the key behind it any more. */
export function currentSecret({ webhooks }: Services, webhook: SecretOwner): Promise<string | undefined> {
  return webhooks.secrets.of(webhook.id, webhook.secretVersion, webhook.secretKey);
}

/** The secrets that sign now: the current one, and for a while the one before it. Undefined as in {@link currentSecret}. */
export async function signingSecrets(services: Services, webhook: SecretOwner): Promise<readonly string[] | undefined> {
  const current = await currentSecret(services, webhook);
  if (current === undefined) return undefined;
  const { formerSecretKey, secretVersion, id } = webhook;
  if (formerSecretKey === null || formerUntilMs(webhook, services.clock.nowMs()) === null) return [current];
  const former = await services.webhooks.secrets.of(id, secretVersion - 1, formerSecretKey);
  return former === undefined ? [current] : [current, former];
}
