import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import { ChaosFault } from "./chaos-fault.ts";
import type { ChaosService } from "./service.ts";

const CALL_MS_MAX = 20_000;
const AGAIN_MS = 250;
/** A service that is killed over and over still answers within so long. */
const ANSWER_MS_MAX = 600_000;
const PAGE_SIZE = 100;

export interface Call<T> {
  readonly method: "GET" | "PUT" | "PATCH";
  readonly path: string;
  readonly schema: z.ZodType<T>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Said<T> {
  readonly body: T;
  readonly headers: Headers;
}

const Page = z.object({ items: z.array(z.unknown()), next_cursor: z.string().nullable() });

/** A client that repeats on any doubt: no answer, one that breaks off, and any that says to come again. */
export class Caller {
  /** Sendings after the first, over all calls. */
  repeats = 0;
  readonly #service: ChaosService;
  readonly #signal: AbortSignal;

  constructor(service: ChaosService, signal: AbortSignal) {
    this.#service = service;
    this.#signal = signal;
  }

  /** @throws ChaosFault for an answer that no repetition would change. */
  async call<T>(call: Call<T>): Promise<Said<T>> {
    const untilMs = Date.now() + ANSWER_MS_MAX;
    for (;;) {
      const said = await this.#once(call);
      if (said !== undefined) return said;
      if (Date.now() > untilMs) throw new ChaosFault(`${call.method} ${call.path} got no answer for ten minutes.`);
      this.repeats += 1;
      await delay(AGAIN_MS, undefined, { signal: this.#signal });
    }
  }

  /** Sends it, and is gone before an answer can be read: what became of it the caller does not know. */
  async sendAndLeave(call: Call<unknown>, afterMs: number): Promise<void> {
    this.repeats += 1;
    await this.#fetch(call, AbortSignal.timeout(afterMs))
      .then((answer) => answer.body?.cancel())
      .catch(() => undefined);
  }

  /** Every item of a list, page after page. */
  async list<T>(path: string, item: z.ZodType<T>): Promise<readonly T[]> {
    const items: T[] = [];
    let cursor: string | null = null;
    do {
      const query: URLSearchParams = new URLSearchParams({
        limit: String(PAGE_SIZE),
        ...(cursor === null ? {} : { cursor }),
      });
      const separator = path.includes("?") ? "&" : "?";
      const { body }: Said<z.infer<typeof Page>> = await this.call({
        method: "GET",
        path: `${path}${separator}${query}`,
        schema: Page,
      });
      items.push(...z.array(item).parse(body.items));
      cursor = body.next_cursor;
    } while (cursor !== null);
    return items;
  }

  async #once<T>(call: Call<T>): Promise<Said<T> | undefined> {
    let status: number;
    let headers: Headers;
    let text: string;
    try {
      const answer = await this.#fetch(call, AbortSignal.timeout(CALL_MS_MAX));
      ({ status, headers } = answer);
      text = await answer.text();
    } catch {
      this.#signal.throwIfAborted();
      return undefined;
    }
    // A 500 of the runtime that is being killed says no more than a broken connection.
    if (status === 429 || status >= 500) return undefined;
    if (status >= 300)
      throw new ChaosFault(`${call.method} ${call.path} was answered ${status}: ${text.slice(0, 400)}`);
    return { headers, body: call.schema.parse(JSON.parse(text)) };
  }

  #fetch({ method, path, headers, body }: Call<unknown>, limit: AbortSignal): Promise<Response> {
    return fetch(this.#service.address + path, {
      method,
      headers: {
        authorization: `Bearer ${this.#service.key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([this.#signal, limit]),
    });
  }
}
