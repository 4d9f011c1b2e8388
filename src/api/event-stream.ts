import type { Context } from "hono";
import type { ApiEnv } from "./env";
import { HttpProblem } from "./problem";

export const EVENT_STREAM = "text/event-stream";

/** Nothing between us and the client may keep, pack or hold back what is streamed. */
export const EVENT_STREAM_HEADERS = {
  "Content-Type": EVENT_STREAM,
  "Cache-Control": "no-cache, no-transform",
  "X-Accel-Buffering": "no",
};

/** Whether the caller asks for a stream of server-sent events. */
export function wantsEventStream(c: Context<ApiEnv>): boolean {
  const types = (c.req.header("Accept") ?? "").split(",").map((type) => type.split(";")[0]?.trim().toLowerCase());
  return types.includes(EVENT_STREAM);
}

/** One event of a stream. One without an id leaves the client's cursor where it is. */
export function serverSentEvent(event: {
  readonly id?: number;
  readonly type: string;
  readonly data: unknown;
}): string {
  const id = event.id === undefined ? "" : `id: ${event.id}\n`;
  return `${id}event: ${event.type}\ndata: ${JSON.stringify(event.data)}\n\n`;
}

/** Nothing to be heard: it shows both sides that the other is there. */
export const HEARTBEAT = ": still here\n\n";

const SEQUENCE = /^\d{1,15}$/;

/** @throws HttpProblem 400 `cursor-invalid`. */
export function sequenceOf(text: string, name: string): number {
  if (SEQUENCE.test(text)) return Number(text);
  const detail = `${name} must be the number of an event, such as 17: the last one that you have.`;
  throw new HttpProblem(400, "cursor-invalid", detail);
}
