import type { Context } from "hono";
import { NIL, validate } from "uuid";
import type { ApiEnv } from "../env";
import { HttpProblem } from "../problem";

/**
 * The request id of a call: header `requestId`, or its alias `Idempotency-Key`, bare or as a structured-field string.
 * Case-folded. A header that is sent twice arrives as "a, b", which is no GUID.
 * @throws HttpProblem 400 `request-id-invalid`.
 */
export function findRequestId(c: Context<ApiEnv>): string | undefined {
  const own = c.req.header("requestId");
  const alias = c.req.header("Idempotency-Key");
  const ids = [own, alias && unquoted(alias)].filter((id) => id !== undefined).map((id) => id.trim().toLowerCase());
  const [first, second] = ids;
  if (first === undefined) return undefined;
  if (!ids.every((id) => isRequestId(id))) {
    const detail = "Send one requestId: an RFC 9562 GUID that is not all zeros, such as one of crypto.randomUUID().";
    throw new HttpProblem(400, "request-id-invalid", detail);
  }
  if (second !== undefined && second !== first) {
    const detail = "requestId and Idempotency-Key differ. Send one of them, or the same GUID in both.";
    throw new HttpProblem(400, "request-id-invalid", detail);
  }
  return first;
}

/** @throws HttpProblem 400 `request-id-missing` or `request-id-invalid`. */
export function getRequestId(c: Context<ApiEnv>): string {
  const id = findRequestId(c);
  if (id !== undefined) return id;
  const detail = "Send the header requestId with a GUID that you make, and the same one whenever you try again.";
  throw new HttpProblem(400, "request-id-missing", detail);
}

/** Any RFC 9562 GUID but the one of all zeros. */
export function isRequestId(id: string): boolean {
  return validate(id) && id !== NIL;
}

function unquoted(value: string): string {
  return /^"(.*)"$/.exec(value.trim())?.[1] ?? value;
}
