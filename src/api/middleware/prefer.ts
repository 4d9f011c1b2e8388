import type { Context } from "hono";
import { WAIT_SECONDS_MAX } from "../../services/tasks";
import type { ApiEnv } from "../env";

/**
 * How long the client prefers to wait, in seconds; 0 when it does not. More than the longest wait counts as that. Sets
 * `Preference-Applied`. A preference that cannot be read is ignored. Source: RFC 7240.
 */
export function preferredWaitSeconds(c: Context<ApiEnv>): number {
  const wait = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?/i.exec(c.req.header("prefer") ?? "")?.[1];
  if (wait === undefined) return 0;
  const seconds = Math.min(Number(wait), WAIT_SECONDS_MAX);
  c.header("Preference-Applied", `wait=${seconds}`);
  return seconds;
}
