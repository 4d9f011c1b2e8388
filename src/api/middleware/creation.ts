import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { bulkItemRequestIdsOf } from "../../domain/ids";
import type { TaskType } from "../../domain/tasks/task";
import type { Creation } from "../../services/creation/read-claim-answer";
import { BULK_ITEMS_MAX, createBulk, createTask, type CreateTaskInput } from "../../services/creation/create-task";
import { faultAt, ServiceError } from "../../services/errors/errors";
import { previewReVoicing, type ReVoicePreview } from "../../services/creation/preview-re-voicing";
import type { TaskInput } from "../../services/ports/task-input";
import { waitForEnd } from "../../services/tasks/tasks";
import type { ApiEnv } from "../env";
import { faultsOf, validationFailed } from "../faults";
import { BODY_BYTES_MAX, readJsonBody } from "./json-body";
import { preferredWaitSeconds } from "./prefer";
import { rateRefusal } from "./rate-limit";
import { findRequestId, getRequestId, isRequestId } from "./request-id";

export interface CreationDoor<S extends z.ZodType> {
  readonly type: TaskType;
  /** The operation id: part of the fingerprint. */
  readonly operation: string;
  /** Set where the body may be `{ items: [...] }` as well: the operation of an item that has an id of its own. */
  readonly bulkItemOperation?: string;
  /** `minted`: every call is a new creation, whatever its headers say. */
  readonly requestId: "required" | "optional" | "minted";
  /** How the body is read; default: as JSON. */
  readonly read?: (c: Context<ApiEnv>) => Promise<unknown>;
  readonly body: S;
  /** Set where a dry run is to be had: how many memories its query asks to see, undefined for the real call. */
  readonly toPreviewCount?: (query: Readonly<Record<string, string>>) => number | undefined;
  /** Set where a query parameter that is not known is refused. */
  readonly query?: z.ZodType;
  readonly toInput: (body: z.output<S>, path: Readonly<Record<string, string>>) => TaskInput;
}

/**
 * Route middleware of every door that starts a task. It stands before the route's validators, because the look-up comes
 * before schema and references: a replay must not be refused for them. The handler then only shows `creation`.
 */
export function creation<S extends z.ZodType>(door: CreationDoor<S>) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const clientsId = requestIdOf(c, door);
    const previewCount = door.toPreviewCount?.(c.req.query());
    const body = await (door.read?.(c) ?? readJsonBody(c, BODY_BYTES_MAX));
    if (previewCount !== undefined) {
      c.set("preview", await preview(c, claimOf(c, door, body).parse, previewCount));
      return next();
    }
    if (door.bulkItemOperation !== undefined && isBulk(body)) {
      c.set("bulk", await createBulk(c.get("call"), bulkInputs(c, door, clientsId, body)));
      return next();
    }
    await showCreation(c, await createTask(c.get("call"), inputOf(c, door, clientsId, body)));
    return next();
  });
}

/** It makes nothing, so it counts as every call that reads. */
async function preview(c: Context<ApiEnv>, parse: () => TaskInput, count: number): Promise<ReVoicePreview> {
  const refusal = await rateRefusal(c);
  if (refusal !== undefined) throw refusal;
  return previewReVoicing(c.get("call"), parse, count);
}

/** Hands what was made to the handler, after the wait that the client prefers. */
export async function showCreation(c: Context<ApiEnv>, made: Creation): Promise<void> {
  c.header("Idempotent-Replayed", String(made.replayed));
  c.set("creation", { ...made, task: await waited(c, made.task) });
}

function inputOf<S extends z.ZodType>(
  c: Context<ApiEnv>,
  door: CreationDoor<S>,
  clientsId: string | undefined,
  body: unknown,
): CreateTaskInput {
  const requestId = clientsId ?? crypto.randomUUID();
  return { requestId, requestIdIsClients: clientsId !== undefined, ...claimOf(c, door, body) };
}

/** What is claimed under an id, and the checks that come behind the look-up. */
export function claimOf<S extends z.ZodType>(
  c: Context<ApiEnv>,
  door: CreationDoor<S>,
  body: unknown,
): Pick<CreateTaskInput, "request" | "parse"> {
  const [path, query] = [c.req.param(), c.req.query()];
  return {
    request: { api: 1, type: door.type, operation: door.operation, path, body },
    parse: () => {
      const asked = door.query?.safeParse(query);
      if (asked?.success === false) throw validationFailed(faultsOf(asked.error, "/query"));
      const parsed = door.body.safeParse(body);
      if (!parsed.success) throw validationFailed(faultsOf(parsed.error));
      return door.toInput(parsed.data, path);
    },
  };
}

const Bulk = z.strictObject({ items: z.array(z.unknown()).min(1).max(BULK_ITEMS_MAX) });
const BulkItem = z.looseObject({ request_id: z.string().optional() });

function isBulk(body: unknown): boolean {
  return typeof body === "object" && body !== null && "items" in body;
}

/**
 * One creation an item: what a `PUT` of the item alone, under the same request id, would be. An item without an id of its
 * own derives one from the bulk's and its place; without either, the bulk's is minted.
 */
function bulkInputs<S extends z.ZodType>(
  c: Context<ApiEnv>,
  door: CreationDoor<S>,
  bulkId: string | undefined,
  body: unknown,
): readonly (() => Promise<CreateTaskInput>)[] {
  const bulk = Bulk.safeParse(body);
  if (!bulk.success) throw validationFailed(faultsOf(bulk.error));
  const itemRequestIdOf = bulkItemRequestIdsOf(bulkId ?? crypto.randomUUID());
  return bulk.data.items.map((given, index) => async () => {
    const item = BulkItem.safeParse(given);
    if (!item.success) throw validationFailed(faultsOf(item.error, `/items/${index}`));
    const { request_id: own, ...request } = item.data;
    if (own === undefined) {
      const requestId = await itemRequestIdOf(index);
      return { requestId, requestIdIsClients: bulkId !== undefined, ...claimOf(c, door, request) };
    }
    const operation = door.bulkItemOperation ?? door.operation;
    return inputOf(c, { ...door, operation }, ownId(own, index), request);
  });
}

/** @throws ServiceError, because a bad id refuses its item alone. */
function ownId(id: string, index: number): string {
  if (isRequestId(id)) return id.toLowerCase();
  const detail = "Must be an RFC 9562 GUID that is not all zeros.";
  throw new ServiceError("invalid", "validation-failed", detail, faultAt(`/items/${index}/request_id`, detail));
}

function requestIdOf(c: Context<ApiEnv>, door: { readonly requestId: "required" | "optional" | "minted" }) {
  if (door.requestId === "minted") return undefined;
  return door.requestId === "required" ? getRequestId(c) : findRequestId(c);
}

/** Waits for the end as `Prefer: wait` asks; the task as it was stands in for a wait that breaks. */
export async function waited(c: Context<ApiEnv>, task: Parameters<typeof waitForEnd>[1]) {
  const seconds = preferredWaitSeconds(c);
  return seconds === 0 ? task : waitForEnd(c.get("call"), task, seconds);
}
