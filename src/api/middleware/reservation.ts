import type { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import type { TaskType } from "../../domain/tasks/task";
import { ServiceError } from "../../services/errors/errors";
import { RATE_WINDOW_SECONDS } from "../../services/access/rate-limit";
import { fillTask, reserveTask } from "../../services/creation/reservations";
import type { ApiEnv } from "../env";
import { HttpProblem } from "../problem";
import { claimOf, type CreationDoor, showCreation } from "./creation";
import { BODY_BYTES_MAX, readEmptyBody, readJsonBody } from "./json-body";
import { findRequestId } from "./request-id";

/** Route middleware of the door that reserves an id. The handler only shows `reservation`. */
export function reservation(door: { readonly type: TaskType; readonly operation: string }) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const clientsId = findRequestId(c);
    await readEmptyBody(c);
    const reserved = await reserveTask(c.get("call"), {
      requestId: clientsId ?? crypto.randomUUID(),
      requestIdIsClients: clientsId !== undefined,
      request: { api: 1, ...door, path: {}, body: null },
    });
    c.header("Idempotent-Replayed", String(reserved.replayed));
    c.set("reservation", reserved);
    return next();
  });
}

/** Route middleware of the door that fills a reserved id, which stands in the path. As of `creation`. */
export function fill<S extends z.ZodType>(door: CreationDoor<S>) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const { body, putKey } = splitPutKey(c, await readJsonBody(c, BODY_BYTES_MAX));
    const taskId = c.req.param("id") ?? "";
    const made = await fillTask(c.get("call"), {
      ...claimOf(c, door, body),
      taskId,
      putKey,
      refuseWrongKey: () => wrongKeyRefusal(c, taskId),
    });
    await showCreation(c, made);
    return next();
  });
}

/**
 * The put key, from the header or the body, and the body without it: it goes into no fingerprint and no storage.
 * @throws HttpProblem 400 `put-key-missing`; ServiceError `put-key-invalid` when the two differ.
 */
function splitPutKey(c: Context<ApiEnv>, body: unknown): { readonly body: unknown; readonly putKey: string } {
  const header = c.req.header("putKey");
  const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
  const { put_key: field, ...rest } = isObject ? Object.fromEntries(Object.entries(body)) : {};
  const keys = [header, field].filter((key) => key !== undefined && key !== "");
  const [putKey] = keys;
  if (putKey === undefined) {
    const detail = "Send the put key that came with the reserved id: as the header putKey, or as put_key in the body.";
    throw new HttpProblem(400, "put-key-missing", detail);
  }
  if (typeof putKey !== "string" || keys.some((key) => key !== putKey)) {
    const detail = "Send one put key, as text: in the header putKey, or as put_key in the body, or the same in both.";
    throw new ServiceError("forbidden", "put-key-invalid", detail);
  }
  return { body: field === undefined ? body : rest, putKey };
}

/** Counts a wrong key of an id. @returns the refusal when there were too many in a minute. */
async function wrongKeyRefusal(c: Context<ApiEnv>, taskId: string): Promise<ServiceError | undefined> {
  const { success } = await c.get("runtime").wrongKeyLimiter.limit({ key: `${c.get("call").namespaceId} ${taskId}` });
  if (success) return undefined;
  const detail = "Too many wrong put keys were sent for this id. Wait, then send the one you got when you reserved it.";
  return new ServiceError("limit-exceeded", "rate-limited", detail, { retryAfterSeconds: RATE_WINDOW_SECONDS });
}
