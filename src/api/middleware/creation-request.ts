import { createMiddleware } from "hono/factory";
import type { ApiEnv } from "../env";
import { BODY_BYTES_MAX, readJsonBody } from "./json-body";
import { findRequestId } from "./request-id";

/** Route middleware of what may be created under a request id, in place of `jsonBody`: hands `creationRequest` on. */
export const creationRequest = createMiddleware<ApiEnv>(async (c, next) => {
  const requestId = findRequestId(c);
  const body = await readJsonBody(c, BODY_BYTES_MAX);
  c.set("creationRequest", requestId === undefined ? null : { requestId, body });
  await next();
});
