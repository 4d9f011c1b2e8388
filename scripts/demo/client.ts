import { setTimeout as delay } from "node:timers/promises";

import { z } from "zod";

import { DemoFault } from "./demo-fault.ts";

const CALL_TIMEOUT_MS = 30_000;
const TRIES_MAX = 4;
const RETRY_AFTER_SECONDS_MAX = 5;
/** The service asks to be called again later; everything the demo sends may be sent twice. */
const STATUSES_TO_RETRY: ReadonlySet<number> = new Set([429, 503]);

const Problem = z.object({
  code: z.string().default("no code"),
  detail: z.string().default("no detail"),
  errors: z.array(z.object({ pointer: z.string().default(""), detail: z.string().default("") })).default([]),
});

interface CallOptions<T> {
  readonly schema: z.ZodType<T>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface Client {
  readonly address: string;
  readonly key: string;
  /** @throws DemoFault for any answer but a 2xx of the expected shape, and when no answer comes in time. */
  call<T>(method: "GET" | "PUT" | "POST", path: string, options: CallOptions<T>): Promise<Answer<T>>;
  /** As `call` with GET, but undefined when the service answers 404. */
  find<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined>;
}

/** @param signal ends every call under way when the demo is told to stop. */
export function createClient(address: string, key: string, signal: AbortSignal): Client {
  const send = async (method: string, path: string, options: Omit<CallOptions<unknown>, "schema">) => {
    for (let tries = 1; ; tries += 1) {
      const answer = await sendOnce({ address, key, signal, method, path, ...options });
      if (!STATUSES_TO_RETRY.has(answer.status) || tries === TRIES_MAX) return answer;
      await answer.body?.cancel();
      const seconds = Number(answer.headers.get("retry-after") ?? 1);
      await delay(Math.min(seconds || 1, RETRY_AFTER_SECONDS_MAX) * 1000, undefined, { signal });
    }
  };
  return {
    address,
    key,
    call: async (method, path, options) => {
      const answer = await send(method, path, options);
      if (!answer.ok) throw new DemoFault(await problemSentence(method, path, answer));
      return {
        status: answer.status,
        headers: answer.headers,
        body: await readBody(method, path, answer, options.schema),
      };
    },
    find: async (path, schema) => {
      const answer = await send("GET", path, {});
      if (answer.status === 404) {
        await answer.body?.cancel();
        return undefined;
      }
      if (!answer.ok) throw new DemoFault(await problemSentence("GET", path, answer));
      return readBody("GET", path, answer, schema);
    },
  };
}

interface Sending {
  readonly address: string;
  readonly key: string;
  readonly signal: AbortSignal;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

async function sendOnce(sending: Sending): Promise<Response> {
  const { address, key, signal, method, path } = sending;
  try {
    return await fetch(`${address}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(sending.body === undefined ? {} : { "content-type": "application/json" }),
        ...sending.headers,
      },
      ...(sending.body === undefined ? {} : { body: JSON.stringify(sending.body) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]),
    });
  } catch (error) {
    signal.throwIfAborted();
    throw new DemoFault(`${method} ${path} got no answer within ${CALL_TIMEOUT_MS / 1000} s (${causeOf(error)}).`);
  }
}

async function readBody<T>(method: string, path: string, answer: Response, schema: z.ZodType<T>): Promise<T> {
  const text = await answer.text();
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new DemoFault(
    `${method} ${path} answered ${answer.status} with an unexpected body: ${issue?.path.join(".")} ${issue?.message}.`,
  );
}

async function problemSentence(method: string, path: string, answer: Response): Promise<string> {
  const problem = Problem.safeParse(parseJson(await answer.text()));
  if (!problem.success) return `${method} ${path} answered ${answer.status}.`;
  const { code, detail, errors } = problem.data;
  const faults = errors.slice(0, 3).map((fault) => `\n  ${fault.pointer} ${fault.detail}`);
  return `${method} ${path} answered ${answer.status} ${code}: ${detail}${faults.join("")}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** fetch hides the reason, such as ECONNREFUSED, in the cause. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}
