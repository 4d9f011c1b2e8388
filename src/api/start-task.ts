import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { TaskType } from "../domain/tasks/task";
import { createForSubject } from "../services/creation/create-for-subject";
import { type Creation, createTask, type CreateTaskInput } from "../services/creation/create-task";
import { fail, type Outcome, succeed } from "../services/errors/outcome";
import type { TaskInput } from "../services/ports/task-input";
import { waitForEnd } from "../services/tasks/tasks";
import type { ApiEnv } from "./env";
import { faultsOf, validationFailed } from "./faults";
import { BODY_BYTES_MAX, readJsonBody } from "./middleware/json-body";
import { preferredWaitSeconds, prefersAsync } from "./middleware/prefer";
import { rateRefusal } from "./middleware/rate-limit";
import { findRequestId, getRequestId } from "./middleware/request-id";

/** How a route that starts a task reads its call. */
export interface TaskRoute<S extends z.ZodType> {
  readonly type: TaskType;
  /** The operation id: part of the fingerprint. */
  readonly operation: string;
  /** `minted`: every call is a new creation, whatever its headers say. */
  readonly requestId: "required" | "optional" | "minted";
  /** How the body is read; default: as JSON. */
  readonly read?: (c: Context<ApiEnv>) => Promise<unknown>;
  readonly body: S;
  /** Set where a query parameter that is not known is refused. */
  readonly query?: z.ZodType;
  readonly toInput: (body: z.output<S>, path: Readonly<Record<string, string>>) => TaskInput;
}

/**
 * Starts the task that a call asks for, or finds it. What the call asks for goes along as a verdict: the look-up comes before
 * schema and references, because a replay must not be refused for them.
 * @throws HttpProblem for what comes before: the request id, the size of the body, its form as JSON; and as `createTask`.
 */
export async function startTask<S extends z.ZodType>(c: Context<ApiEnv>, route: TaskRoute<S>): Promise<Creation> {
  const id = callersIdOf(c, route);
  const body = await (route.read?.(c) ?? readJsonBody(c, BODY_BYTES_MAX));
  return shown(c, await createTask(c.get("call"), { ...id, ...askedOf(c, route, body) }));
}

/**
 * The task of a GET that the caller prefers to its answer at once; undefined where it does not, and the answer counts as a
 * read. Without a request id the caller joins the task of the same subject that is still open. HEAD never starts anything.
 */
export async function startInBackground<S extends z.ZodType>(
  c: Context<ApiEnv>,
  route: TaskRoute<S> & { readonly subjectOf: (path: Readonly<Record<string, string>>) => string },
): Promise<Creation | undefined> {
  if (c.req.method !== "GET" || !prefersAsync(c)) {
    const refusal = await rateRefusal(c);
    if (refusal !== undefined) throw refusal;
    return undefined;
  }
  const asked = askedOf(c, route, null);
  const id = callersIdOf(c, route);
  const made = id.requestIdIsClients
    ? await createTask(c.get("call"), { ...id, ...asked })
    : await createForSubject(c.get("call"), route.subjectOf(c.req.param()), asked);
  return shown(c, made);
}

/** The request id of a call, which it may leave to us to make. */
export function callersIdOf(
  c: Context<ApiEnv>,
  { requestId: wants }: Pick<TaskRoute<z.ZodType>, "requestId">,
): Pick<CreateTaskInput, "requestId" | "requestIdIsClients"> {
  const given = wants === "minted" ? undefined : wants === "required" ? getRequestId(c) : findRequestId(c);
  return { requestId: given ?? crypto.randomUUID(), requestIdIsClients: given !== undefined };
}

/** What a call asks for: the request as it was sent, and what is made of it. */
export function askedOf<S extends z.ZodType>(
  c: Context<ApiEnv>,
  route: TaskRoute<S>,
  body: unknown,
): Pick<CreateTaskInput, "request" | "wanted"> {
  const path = c.req.param();
  const { type, operation } = route;
  return { request: { api: 1, type, operation, path, body }, wanted: wantedOf(c, route, body) };
}

function wantedOf<S extends z.ZodType>(c: Context<ApiEnv>, route: TaskRoute<S>, body: unknown): Outcome<TaskInput> {
  const query = route.query?.safeParse(c.req.query());
  if (query?.success === false) return fail(validationFailed(faultsOf(query.error, "/query")).value);
  const parsed = route.body.safeParse(body);
  if (!parsed.success) return fail(validationFailed(faultsOf(parsed.error)).value);
  return succeed(route.toInput(parsed.data, c.req.param()));
}

/** Says whether the task was there, and waits for its end as `Prefer: wait` asks. */
export async function shown(c: Context<ApiEnv>, made: Creation): Promise<Creation> {
  c.header("Idempotent-Replayed", String(made.replayed));
  const seconds = preferredWaitSeconds(c);
  // The task as it was stands in for a wait that breaks.
  return seconds === 0 ? made : { ...made, task: await waitForEnd(c.get("call"), made.task, seconds) };
}
