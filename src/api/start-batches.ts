import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { bulkItemRequestIdsOf } from "../domain/ids";
import {
  BULK_ITEMS_MAX,
  createBulk,
  createTask,
  type Creation,
  type CreateTaskInput,
} from "../services/creation/create-task";
import { faultAt, ServiceError } from "../services/errors/errors";
import { type Outcome, outcomeOf } from "../services/errors/outcome";
import type { ApiEnv } from "./env";
import { faultsOf, validationFailed } from "./faults";
import { BODY_BYTES_MAX, readJsonBody } from "./middleware/json-body";
import { isRequestId } from "./middleware/request-id";
import { askedOf, callersIdOf, shown, type TaskRoute } from "./start-task";

/** A route whose body may be `{ items: [...] }` as well. */
export interface BatchesRoute<S extends z.ZodType> extends TaskRoute<S> {
  /** The operation of an item that has a request id of its own. */
  readonly bulkItemOperation: string;
}

export type StartedBatches =
  | { readonly kind: "one"; readonly creation: Creation }
  | { readonly kind: "bulk"; readonly outcomes: readonly Outcome<Creation>[] };

/** As `startTask`, for one batch or a bulk of them. @throws as `startTask`; and as `createBulk`. */
export async function startBatches<S extends z.ZodType>(
  c: Context<ApiEnv>,
  route: BatchesRoute<S>,
): Promise<StartedBatches> {
  const id = callersIdOf(c, route);
  const body = await readJsonBody(c, BODY_BYTES_MAX);
  const asked = { ...id, ...askedOf(c, route, body) };
  if (!isBulk(body)) return { kind: "one", creation: await shown(c, await createTask(c.get("call"), asked)) };
  const items = await bulkItemsOf(c, route, id, body);
  return { kind: "bulk", outcomes: await createBulk(c.get("call"), { ...asked, items }) };
}

const Bulk = z.strictObject({ items: z.array(z.unknown()).min(1).max(BULK_ITEMS_MAX) });
const BulkItem = z.looseObject({ request_id: z.string().optional() });

function isBulk(body: unknown): boolean {
  return typeof body === "object" && body !== null && "items" in body;
}

/**
 * One creation an item: what a `PUT` of the item alone, under the same request id, would be. An item without an id of its
 * own derives one from the bulk's and its place.
 * @throws ServiceError `validation-failed` for what is no bulk.
 */
function bulkItemsOf<S extends z.ZodType>(
  c: Context<ApiEnv>,
  route: BatchesRoute<S>,
  id: Pick<CreateTaskInput, "requestId" | "requestIdIsClients">,
  body: unknown,
): Promise<readonly Outcome<CreateTaskInput>[]> {
  const bulk = Bulk.safeParse(body);
  if (!bulk.success) throw validationFailed(faultsOf(bulk.error));
  const itemRequestIdOf = bulkItemRequestIdsOf(id.requestId);
  return Promise.all(
    bulk.data.items.map((given, index) =>
      outcomeOf(async () => {
        const item = BulkItem.safeParse(given);
        if (!item.success) throw validationFailed(faultsOf(item.error, `/items/${index}`));
        const { request_id: own, ...request } = item.data;
        if (own === undefined) return { ...id, requestId: await itemRequestIdOf(index), ...askedOf(c, route, request) };
        const itemRoute = { ...route, operation: route.bulkItemOperation };
        return { requestId: ownId(own, index), requestIdIsClients: true, ...askedOf(c, itemRoute, request) };
      }),
    ),
  );
}

/** @throws ServiceError, because a bad id refuses its item alone. */
function ownId(id: string, index: number): string {
  if (isRequestId(id)) return id.toLowerCase();
  const detail = "Must be an RFC 9562 GUID that is not all zeros.";
  throw new ServiceError("invalid", "validation-failed", detail, faultAt(`/items/${index}/request_id`, detail));
}
