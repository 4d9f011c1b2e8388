import { createMiddleware } from "hono/factory";
import { authenticate as authenticateKey } from "../../services/access/keys";
import type { ApiEnv } from "../env";

/** Finds out who calls, before anything else. @throws ServiceError `unauthenticated`. */
export const authenticate = createMiddleware<ApiEnv>(async (c, next) => {
  const bearer = /^Bearer +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1] ?? null;
  const { services, adminKey } = c.get("runtime");
  c.set("call", { ...services, ...(await authenticateKey(services, adminKey, bearer)) });
  await next();
});
