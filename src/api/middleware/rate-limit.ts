import { createMiddleware } from "hono/factory";
import type { Context } from "hono";
import type { ServiceError } from "../../services/errors/errors";
import { rateLimited } from "../../services/access/rate-limit";
import type { ApiEnv } from "../env";

/** @returns the refusal when the caller's key has used up its rate, else undefined. */
export async function rateRefusal(c: Context<ApiEnv>): Promise<ServiceError | undefined> {
  const { rateLimiter } = c.get("runtime");
  if (rateLimiter === null) return undefined;
  const { success } = await rateLimiter.limit({ key: c.get("call").keyId });
  if (success) return undefined;
  return rateLimited();
}

/** For all calls but those that start tasks: these count only what is claimed, and look up replays first. */
export const rateLimit = createMiddleware<ApiEnv>(async (c, next) => {
  const refusal = await rateRefusal(c);
  if (refusal !== undefined) throw refusal;
  await next();
});
