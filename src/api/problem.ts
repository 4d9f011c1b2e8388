import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { ErrorDetails, ErrorKind, ErrorValue, Fault } from "../services/errors/errors";
import type { ApiEnv } from "./env";
import { problemTitle } from "./problem-catalogue";

const STATUS_OF_KIND = {
  invalid: 422,
  unauthenticated: 401,
  forbidden: 403,
  "not-found": 404,
  gone: 410,
  conflict: 409,
  mismatch: 422,
  precondition: 412,
  "limit-exceeded": 429,
  unavailable: 503,
} satisfies Record<ErrorKind, ContentfulStatusCode>;

const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([429, 503]);
const RETRY_AFTER_SECONDS_DEFAULT = 1;

/** A refusal that only HTTP knows: form of headers and bodies, media types, methods. */
export class HttpProblem extends Error {
  constructor(
    readonly status: 400 | 404 | 405 | 413 | 415,
    readonly code: string,
    message: string,
    readonly details: ErrorDetails & { readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(message);
    this.name = "HttpProblem";
  }
}

interface ProblemSource extends ErrorDetails {
  readonly status: ContentfulStatusCode;
  readonly code: string;
  readonly detail: string;
}

/** The HTTP answer of an error that a service named. */
export function problemOfError(c: Context<ApiEnv>, error: ErrorValue): Response {
  const { kind, code, message, ...details } = error;
  return answerProblem(c, { ...details, status: STATUS_OF_KIND[kind], code, detail: message });
}

export function problemOfHttp(c: Context<ApiEnv>, problem: HttpProblem): Response {
  const { headers = {}, ...details } = problem.details;
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  return answerProblem(c, { ...details, status: problem.status, code: problem.code, detail: problem.message });
}

/** A bug: the body says nothing of it; the log holds it under the same trace id. */
export function problemOfBug(c: Context<ApiEnv>): Response {
  return answerProblem(c, {
    status: 500,
    code: "internal-error",
    detail: "Something went wrong on our side. Report the trace id if it happens again.",
  });
}

/** RFC 9457 members of a problem that stands inside another body, such as a verdict. */
export function problemMembers(source: ErrorValue): ProblemMembers {
  const { kind, code, message, ...details } = source;
  return membersOf({ ...details, status: STATUS_OF_KIND[kind], code, detail: message });
}

export interface ProblemMembers {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  retryable: boolean;
  errors: Fault[];
  [extension: string]: unknown;
}

function membersOf(source: ProblemSource): ProblemMembers {
  return {
    type: `/problems/${source.code}`,
    title: problemTitle(source.code),
    status: source.status,
    detail: source.detail,
    code: source.code,
    retryable: source.retryable ?? RETRYABLE_STATUSES.has(source.status),
    errors: [...(source.faults ?? [])],
    ...source.extensions,
  };
}

function answerProblem(c: Context<ApiEnv>, source: ProblemSource): Response {
  if (source.status === 401) c.header("WWW-Authenticate", 'Bearer realm="refrain"');
  if (RETRYABLE_STATUSES.has(source.status))
    c.header("Retry-After", String(source.retryAfterSeconds ?? RETRY_AFTER_SECONDS_DEFAULT));
  const members = { ...membersOf(source), trace_id: c.get("traceId") };
  return c.body(JSON.stringify(members), source.status, { "Content-Type": "application/problem+json" });
}
