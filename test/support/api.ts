import { exports } from "cloudflare:workers";
import { assert } from "vitest";

export const ADMIN_KEY = "test-admin-key";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed JSON body; null when there is none. */
  readonly body: any;
}

interface CallOptions {
  /** Text, bytes and streams are sent as they are, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Null sends no key at all. */
  readonly key?: string | null;
}

/** One HTTP call of the Worker under test. */
export async function call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  return answerOf(await exports.default.fetch(requestOf(method, path, options)));
}

export function requestOf(method: string, path: string, options: CallOptions = {}): Request {
  const { body, key = ADMIN_KEY } = options;
  const headers = new Headers(options.headers);
  if (key !== null) headers.set("authorization", `Bearer ${key}`);
  const init: RequestInit = { method, headers };
  if (body !== undefined) {
    if (!headers.has("content-type")) headers.set("content-type", "application/json");
    const asIs = typeof body === "string" || body instanceof Uint8Array || body instanceof ReadableStream;
    init.body = asIs ? body : JSON.stringify(body);
  }
  return new Request(`https://refrain.test${path}`, init);
}

export async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const json = /[/+]json\b/.test(response.headers.get("content-type") ?? "") && text !== "";
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text || null };
}

/** Asks again until `done` says so: waits for a condition, not for a time. To give up is a failed assertion. */
export async function until<T>(
  ask: () => Promise<T>,
  done: (value: T) => boolean,
  limitMs = 20_000,
  everyMs = 20,
): Promise<T> {
  const giveUpAt = Date.now() + limitMs;
  for (;;) {
    const value = await ask();
    if (done(value)) return value;
    if (Date.now() > giveUpAt) assert.fail(`Not reached in ${limitMs} ms. Last: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
