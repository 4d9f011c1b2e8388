import type { Context } from "hono";
import { ServiceError } from "../services/errors/errors";
import type { ApiEnv } from "./env";
import { HttpProblem } from "./problem";

/**
 * The put key, from the header or the body, and the body without it: it goes into no fingerprint and no storage.
 * @throws HttpProblem 400 `put-key-missing`; ServiceError `put-key-invalid` when the two differ.
 */
export function splitPutKey(c: Context<ApiEnv>, body: unknown): { readonly body: unknown; readonly putKey: string } {
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
