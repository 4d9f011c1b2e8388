import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { TaskType } from "../../domain/task";
import type { CallContext } from "../../services/context";
import { createTask, type TaskPlan } from "../../services/create-task";
import { waitForEnd } from "../../services/tasks";
import type { ApiEnv } from "../env";
import { faultsOf, validationFailed } from "../faults";
import { BODY_BYTES_MAX, readJsonBody } from "./json-body";
import { preferredWaitSeconds } from "./prefer";
import { rateRefusal } from "./rate-limit";
import { findRequestId, getRequestId } from "./request-id";

export interface CreationDoor<S extends z.ZodType> {
  readonly type: TaskType;
  /** The operation id: part of the fingerprint. */
  readonly operation: string;
  /** `minted`: every call is a new creation, whatever its headers say. */
  readonly requestId: "required" | "optional" | "minted";
  readonly body: S;
  readonly plan: (
    ctx: CallContext,
    taskId: string,
    body: z.output<S>,
    path: Readonly<Record<string, string>>,
  ) => Promise<TaskPlan>;
}

/**
 * Route middleware of every door that starts a task. It stands before the route's validators, because the look-up comes
 * before schema and references: a replay must not be refused for them. The handler then only shows `creation`.
 */
export function creation<S extends z.ZodType>(door: CreationDoor<S>) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const clientsId = requestIdOf(c, door);
    const body = await readJsonBody(c, BODY_BYTES_MAX);
    const path = c.req.param();
    const call = c.get("call");
    const made = await createTask(call, {
      requestId: clientsId ?? crypto.randomUUID(),
      requestIdIsClients: clientsId !== undefined,
      request: { api: 1, type: door.type, operation: door.operation, path, body },
      refuseClaim: () => rateRefusal(c),
      check: async (taskId) => {
        const parsed = door.body.safeParse(body);
        if (!parsed.success) throw validationFailed(faultsOf(parsed.error));
        return door.plan(call, taskId, parsed.data, path);
      },
    });
    c.header("Idempotent-Replayed", String(made.replayed));
    c.set("creation", { ...made, task: await waited(c, made.task) });
    await next();
  });
}

function requestIdOf(c: Context<ApiEnv>, door: { readonly requestId: "required" | "optional" | "minted" }) {
  if (door.requestId === "minted") return undefined;
  return door.requestId === "required" ? getRequestId(c) : findRequestId(c);
}

/** Waits for the end as `Prefer: wait` asks; the task as it was stands in for a wait that breaks. */
async function waited(c: Context<ApiEnv>, task: Parameters<typeof waitForEnd>[1]) {
  const seconds = preferredWaitSeconds(c);
  return seconds === 0 ? task : waitForEnd(c.get("call"), task, seconds);
}
