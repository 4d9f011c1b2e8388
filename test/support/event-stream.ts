import { exports } from "cloudflare:workers";
import { createParser } from "eventsource-parser";
import { assert } from "vitest";
import { ADMIN_KEY, requestOf } from "./api";

export interface StreamedEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: any;
}

const HEAR_MS_MAX = 10_000;

/** A client of a stream, which keeps the cursor that an EventSource would. */
export class StreamClient {
  readonly events: StreamedEvent[] = [];
  readonly comments: string[] = [];
  closed = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #done: Promise<void>;
  #heard = Promise.withResolvers<void>();

  constructor(readonly response: Response) {
    this.#reader = response.body?.getReader();
    this.#done = this.#read();
  }

  get types(): readonly (string | undefined)[] {
    return this.events.map(({ event }) => event);
  }

  /** What it would send as Last-Event-ID. */
  get lastEventId(): string | undefined {
    return this.events.findLast(({ id }) => id !== undefined)?.id;
  }

  /** The numbers of the events, without the snapshot. */
  get sequences(): readonly number[] {
    return this.events.flatMap(({ id }) => (id === undefined ? [] : [Number(id)]));
  }

  /** All events, once the stream is closed, or broken. */
  async whole(): Promise<readonly StreamedEvent[]> {
    await this.#done;
    return this.events;
  }

  /** Waits until it has heard what it should; a failed assertion when the stream ends before, or nothing comes. */
  async until(done: (client: StreamClient) => boolean): Promise<void> {
    const giveUpAt = Date.now() + HEAR_MS_MAX;
    while (!done(this)) {
      const left = giveUpAt - Date.now();
      if (this.closed || left <= 0) assert.fail(`Not heard. Last: ${JSON.stringify(this)}`);
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, left);
      });
      await Promise.race([this.#heard.promise, late]);
      clearTimeout(timer ?? null);
    }
  }

  async leave(): Promise<void> {
    await this.#reader?.cancel();
    await this.#done;
  }

  async #read(): Promise<void> {
    const parser = createParser({
      onEvent: ({ id, event, data }) => this.events.push({ id, event, data: JSON.parse(data) }),
      onComment: (comment) => this.comments.push(comment),
    });
    const decoder = new TextDecoder();
    const next = () => this.#reader?.read().catch(() => undefined);
    for (let piece = await next(); piece?.done === false; piece = await next())
      this.#hear(() => parser.feed(decoder.decode(piece.value, { stream: true })));
    this.#hear(() => {
      this.closed = true;
    });
  }

  #hear(take: () => void): void {
    take();
    this.#heard.resolve();
    this.#heard = Promise.withResolvers<void>();
  }

  toJSON(): unknown {
    return { status: this.response.status, closed: this.closed, events: this.events, comments: this.comments };
  }
}

interface Watched {
  readonly lastEventId?: string | number | undefined;
  readonly query?: string;
  readonly key?: string;
}

export function openStream(
  taskId: string,
  { lastEventId, query = "", key = ADMIN_KEY }: Watched = {},
): Promise<Response> {
  const headers = {
    accept: "text/event-stream",
    ...(lastEventId !== undefined && { "last-event-id": String(lastEventId) }),
  };
  return exports.default.fetch(requestOf("GET", `/v1/checkmate/tasks/${taskId}/events${query}`, { headers, key }));
}

export async function watch(taskId: string, watched?: Watched): Promise<StreamClient> {
  return new StreamClient(await openStream(taskId, watched));
}
