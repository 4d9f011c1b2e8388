import { exports } from "cloudflare:workers";
import { createParser } from "eventsource-parser";
import { ADMIN_KEY, requestOf, until } from "./api";

export interface StreamedEvent {
  readonly id: string | undefined;
  readonly event: string | undefined;
  readonly data: any;
}

/** A client of a stream, which keeps the cursor that an EventSource would. */
export class StreamClient {
  readonly events: StreamedEvent[] = [];
  readonly comments: string[] = [];
  closed = false;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #done: Promise<void>;

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

  /** All events, once the stream is closed. */
  async whole(): Promise<readonly StreamedEvent[]> {
    await this.#done;
    return this.events;
  }

  until(done: (client: StreamClient) => boolean, limitMs?: number): Promise<StreamClient> {
    return until(async () => this, done, limitMs);
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
    for (let piece = await this.#reader?.read(); piece?.done === false; piece = await this.#reader?.read())
      parser.feed(decoder.decode(piece.value, { stream: true }));
    this.closed = true;
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

export function openStream(taskId: string, { lastEventId, query = "", key = ADMIN_KEY }: Watched = {}): Promise<Response> {
  const headers = {
    accept: "text/event-stream",
    ...(lastEventId !== undefined && { "last-event-id": String(lastEventId) }),
  };
  return exports.default.fetch(requestOf("GET", `/v1/checkmate/tasks/${taskId}/events${query}`, { headers, key }));
}

export async function watch(taskId: string, watched?: Watched): Promise<StreamClient> {
  return new StreamClient(await openStream(taskId, watched));
}
