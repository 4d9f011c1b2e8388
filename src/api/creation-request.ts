import type { Context } from "hono";
import type { CreationRequest } from "../services/creation/made-once";
import type { ApiEnv } from "./env";
import { findRequestId } from "./middleware/request-id";

/** The request id under which an agent or a collection is created, and the body as it was sent; null without one. */
export async function creationRequestOf(c: Context<ApiEnv>): Promise<CreationRequest | null> {
  const requestId = findRequestId(c);
  // The body was read and checked before: this gives the same text again.
  return requestId === undefined ? null : { requestId, body: await c.req.json<unknown>() };
}
