import type { Context } from "hono";
import { WAIT_SECONDS_MAX } from "../../services/tasks/tasks";
import type { ApiEnv } from "../env";

/**
 * How long the client prefers to wait, in seconds; 0 when it does not. More than the longest wait counts as that. Sets
 * `Preference-Applied`. A preference that cannot be read is ignored. Source: RFC 7240.
 */
export function preferredWaitSeconds(c: Context<ApiEnv>): number {
  const wait = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?/i.exec(c.req.header("prefer") ?? "")?.[1];
  if (wait === undefined) return 0;
  const seconds = Math.min(Number(wait), WAIT_SECONDS_MAX);
  c.header("Preference-Applied", `wait=${seconds}`, { append: true });
  return seconds;
}

/** Whether the client prefers a task to an answer at once. Sets `Preference-Applied`. Source: RFC 7240, 4.1. */
export function prefersAsync(c: Context<ApiEnv>): boolean {
  if (!/(?:^|[,;\s])respond-async(?:$|[,;\s])/i.test(c.req.header("prefer") ?? "")) return false;
  c.header("Preference-Applied", "respond-async", { append: true });
  return true;
}
