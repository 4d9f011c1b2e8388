import { createParser } from "eventsource-parser";
import { z } from "zod";
import { TimeLimitError, within } from "../../domain/basics/time-limit";
import { ServiceError } from "../../services/errors/errors";
import { retryAfterSeconds } from "./retry-after";

/** An error's body is only read for a code: no more is looked at. */
const ERROR_BYTES_MAX = 16_384;
/**
 * Of the time of a whole call: how long until something of a streamed answer comes, and how long a pause in it may be. An
 * answer that comes as a whole has all the time.
 */
const FIRST_EVENT_SHARE = 0.5;
const IDLE_SHARE = 0.25;

/** A server that speaks OpenAI's protocol, and how it is called. */
export interface Endpoint {
  /** Such as "https://api.openai.com/v1". */
  readonly baseUrl: string;
  /** Null for a server that needs none. */
  readonly apiKey: string | null;
  /** How long a call may take from the request to the end of the answer. */
  readonly timeoutSeconds: number;
  /** The variables to look at when the server turns us away, for the error: such as "MODEL_API_KEY and MODEL_NAME". */
  readonly settings: string;
  readonly fetch: typeof fetch;
}

export interface EndpointCall {
  /** Below the base, such as "/chat/completions". */
  readonly path: string;
  readonly body: object;
  /** Sent as a header, for servers and gateways that know it. */
  readonly idempotencyKey: string;
  /** Whether the answer is to come piece by piece: then a silence of its server is noticed before the time is up. */
  readonly streamed: boolean;
  /** The largest answer that is read. */
  readonly bytesMax: number;
  readonly signal: AbortSignal;
}

/** An answer with a good status. It can be read once, in one of the two ways. */
export interface EndpointAnswer {
  readonly isEventStream: boolean;
  /** The body as JSON; undefined when it is none. */
  json(): Promise<unknown>;
  /** The data of each server-sent event, until the stream ends. */
  events(): AsyncIterable<string>;
}

/** The server understood the call and refuses this one: sending it again as it is will not help. */
export interface EndpointRefusal {
  readonly status: number;
  /** The server's own code for it, where it looks like one. */
  readonly reason: string | null;
  /** The parameter that it names as the cause. */
  readonly parameter: string | null;
}

export type Exchanged<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: EndpointRefusal };

/**
 * Sends one call and reads its answer with `read`, within all limits of time and size. What is not read to its end is
 * closed, so that the server may stop.
 * @throws ServiceError `model-unavailable` when the server does not answer in time, breaks off, asks
 * to come later (then with `retryAfterSeconds`), or is not set up for us; `limit-exceeded` when the answer is too large;
 * the reason of `signal` when it aborts.
 */
export async function exchange<T>(
  endpoint: Endpoint,
  call: EndpointCall,
  read: (answer: EndpointAnswer) => Promise<T>,
): Promise<Exchanged<T>> {
  const closing = new AbortController();
  try {
    return await within(endpoint.timeoutSeconds * 1_000, attempt(endpoint, call, { read, closing: closing.signal }));
  } catch (error) {
    call.signal.throwIfAborted();
    if (error instanceof ServiceError) throw error;
    if (error instanceof TimeLimitError) throw unavailable("did not answer in time");
    throw unavailable("could not be reached, or broke off its answer");
  } finally {
    closing.abort();
  }
}

interface Reading<T> {
  readonly read: (answer: EndpointAnswer) => Promise<T>;
  readonly closing: AbortSignal;
}

async function attempt<T>(endpoint: Endpoint, call: EndpointCall, reading: Reading<T>): Promise<Exchanged<T>> {
  const signal = AbortSignal.any([call.signal, reading.closing]);
  const pace = paceOf(endpoint, call);
  const response = await inTime(pace.firstMs, signal, endpoint.fetch(...requestOf(endpoint, call, signal)));
  const chunks = (bytesMax: number) => chunksOf(response, { ...pace, bytesMax, signal });
  if (!response.ok) return { ok: false, refusal: await refusalOf(endpoint, response, chunks(ERROR_BYTES_MAX)) };
  const value = await reading.read({
    isEventStream: response.headers.get("content-type")?.startsWith("text/event-stream") ?? false,
    json: async () => parseJson(await textOf(chunks(call.bytesMax))),
    events: () => eventsOf(chunks(call.bytesMax), call.bytesMax),
  });
  return { ok: true, value };
}

function requestOf({ baseUrl, apiKey }: Endpoint, call: EndpointCall, signal: AbortSignal): [string, RequestInit] {
  const headers = {
    "Content-Type": "application/json",
    Accept: "application/json, text/event-stream",
    "Idempotency-Key": call.idempotencyKey,
    ...(apiKey !== null && { Authorization: `Bearer ${apiKey}` }),
  };
  const url = `${baseUrl.replace(/\/+$/, "")}${call.path}`;
  // A redirect would take texts and key to a place that nobody has configured.
  return [url, { method: "POST", headers, body: JSON.stringify(call.body), redirect: "manual", signal }];
}

/** How long a server may be silent. */
interface Pace {
  readonly firstMs: number;
  readonly idleMs: number;
}

function paceOf({ timeoutSeconds }: Endpoint, { streamed }: EndpointCall): Pace {
  const callMs = timeoutSeconds * 1_000;
  return streamed
    ? { firstMs: callMs * FIRST_EVENT_SHARE, idleMs: callMs * IDLE_SHARE }
    : { firstMs: callMs, idleMs: callMs };
}

/** Waits for one step of the exchange: no longer than it may take, and not when nobody wants it any more. */
async function inTime<T>(limitMs: number, signal: AbortSignal, step: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const listening = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const stop = () => reject(new Error("Nobody waits for the answer any more."));
    signal.addEventListener("abort", stop, { signal: listening.signal });
  });
  try {
    return await within(limitMs, Promise.race([step, aborted]));
  } finally {
    listening.abort();
  }
}

interface Bounds extends Pace {
  readonly bytesMax: number;
  readonly signal: AbortSignal;
}

/** The body, piece by piece. Who stops reading, for whatever reason, closes it. */
async function* chunksOf(response: Response, { firstMs, idleMs, bytesMax, signal }: Bounds): AsyncGenerator<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const decoder = new TextDecoder();
  let bytes = 0;
  let limitMs = firstMs;
  try {
    for (;;) {
      const { done, value } = await inTime(limitMs, signal, reader.read());
      if (done) break;
      bytes += value.byteLength;
      if (bytes > bytesMax) throw tooLarge(bytesMax);
      limitMs = idleMs;
      yield decoder.decode(value, { stream: true });
    }
    yield decoder.decode();
  } finally {
    // Not waited for: a server that hangs would hold the answer to it.
    void reader.cancel().catch(() => undefined);
  }
}

async function textOf(chunks: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const chunk of chunks) text += chunk;
  return text;
}

async function* eventsOf(chunks: AsyncIterable<string>, bytesMax: number): AsyncGenerator<string> {
  let ready: string[] = [];
  const parser = createParser({ maxBufferSize: bytesMax, onEvent: ({ data }) => void ready.push(data) });
  for await (const chunk of chunks) {
    parser.feed(chunk);
    yield* ready;
    ready = [];
  }
  // Some servers forget the empty line after the last event.
  parser.feed("\n\n");
  yield* ready;
}

/** JSON from outside; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Statuses that say: this request, as it is, will never be answered. All others may have another answer later. */
const REFUSING_STATUSES: ReadonlySet<number> = new Set([400, 406, 411, 413, 414, 415, 422, 431, 451]);
/** Statuses that say: come again. What is neither is a matter of our settings. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 409, 421, 423, 425]);

const TOO_MANY = 429;
/**
 * How long a server is left alone that says that it is asked too much, and not for how long; and at least, whatever it
 * says: one that says "at once", or names a time that is past here, would be asked as fast as it can refuse.
 */
const BUSY_SECONDS = 1;

const Token = z
  .string()
  .regex(/^[\w.-]{1,64}$/)
  .nullish()
  .catch(null);
const ErrorBody = z.object({ error: z.object({ code: Token, type: Token, param: Token }) });

/** @throws ServiceError `unavailable` when the status says that a later call may be answered. */
async function refusalOf(
  endpoint: Endpoint,
  response: Response,
  chunks: AsyncIterable<string>,
): Promise<EndpointRefusal> {
  const { status } = response;
  if (REFUSING_STATUSES.has(status)) {
    // What the status says is enough, when there is nothing more to read.
    const body = ErrorBody.safeParse(parseJson(await textOf(chunks).catch(() => "")));
    const { code = null, type = null, param = null } = body.data?.error ?? {};
    return { status, reason: code ?? type, parameter: param };
  }
  const asked = retryAfterSeconds(response.headers.get("retry-after"), Date.now());
  const retryAfter = asked === undefined ? undefined : Math.max(asked, BUSY_SECONDS);
  if (status === TOO_MANY) throw unavailable(`answered ${status}`, retryAfter ?? BUSY_SECONDS);
  if (status >= 500 || PASSING_STATUSES.has(status)) throw unavailable(`answered ${status}`, retryAfter);
  const hint = `The operator has to look at ${endpoint.settings}.`;
  throw unavailable(`answered ${status}, so it is not set up for this service`, retryAfter, hint);
}

function unavailable(what: string, retryAfter?: number, hint = "It is asked again later.") {
  const details = retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter };
  return new ServiceError("unavailable", "model-unavailable", `The model's server ${what}. ${hint}`, details);
}

function tooLarge(bytesMax: number): ServiceError {
  const detail = `The answer of the model's server was cut off after ${bytesMax.toLocaleString("en")} bytes.`;
  return new ServiceError("limit-exceeded", "model-answer-too-large", detail);
}
