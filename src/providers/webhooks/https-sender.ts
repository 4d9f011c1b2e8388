import { Webhook } from "standardwebhooks";
import { TimeLimitError, within } from "../../domain/basics/time-limit";
import type { WebhookAnswer, WebhookMessage, WebhookSender } from "../../services/ports/ports";
import { retryAfterSeconds } from "../openai-compatible/retry-after";

/** An endpoint that has not answered by then has failed: it should say that it has the message, and work later. */
const SEND_WITHIN_MS = 15_000;

/**
 * Sends messages as Standard Webhooks has them: https://www.standardwebhooks.com.
 * @param limitMs how long one may take.
 */
export function httpsSender(fetcher: typeof fetch, limitMs = SEND_WITHIN_MS): WebhookSender {
  return {
    send: async (message) => {
      const closing = new AbortController();
      try {
        return await within(limitMs, attempt(fetcher, message, closing.signal));
      } catch (error) {
        return { status: null, error: sentenceOf(error) };
      } finally {
        closing.abort();
      }
    },
  };
}

async function attempt(fetcher: typeof fetch, message: WebhookMessage, signal: AbortSignal): Promise<WebhookAnswer> {
  const { url, body } = message;
  // A redirect could lead to where no check has looked.
  const response = await fetcher(url, {
    method: "POST",
    headers: headersOf(message),
    body,
    redirect: "manual",
    signal,
  });
  // Only its head says anything: however long the rest is, it is not read, and not waited for.
  void response.body?.cancel().catch(() => undefined);
  const retryAfter = retryAfterSeconds(response.headers.get("retry-after"), message.atMs);
  return { status: response.status, retryAfterSeconds: retryAfter ?? 0 };
}

function headersOf({ id, atMs, body, secrets }: WebhookMessage): Record<string, string> {
  const signatures = secrets.map((secret) => new Webhook(secret).sign(id, new Date(atMs), body));
  return {
    "Content-Type": "application/cloudevents+json; charset=utf-8",
    "User-Agent": "Refrain-Webhooks/1",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(atMs / 1_000)),
    "webhook-signature": signatures.join(" "),
  };
}

/** Our own words: those of the platform may name what a client should not see. */
function sentenceOf(error: unknown): string {
  return error instanceof TimeLimitError
    ? `There was no answer within ${SEND_WITHIN_MS / 1_000} s.`
    : "The host could not be reached, or broke off.";
}
