import type { OpenAPIHono } from "@hono/zod-openapi";
import type { ApiRuntime } from "../runtime/composition";
import type { CallContext, Services } from "../services/context";

/** What middleware hands to handlers. */
export interface ApiEnv {
  Bindings: Env;
  Variables: {
    traceId: string;
    runtime: ApiRuntime;
    services: Services;
    /** Set under /v1, once the key is known. */
    call: CallContext;
  };
}

export type Api = OpenAPIHono<ApiEnv>;
