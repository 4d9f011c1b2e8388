import type { OpenAPIHono } from "@hono/zod-openapi";
import type { ApiRuntime } from "../runtime/composition";
import type { CallContext, Services } from "../services/context";
import type { Creation } from "../services/creation/read-claim-answer";
import type { CreationRequest } from "../services/basics/made-once";
import type { Outcome } from "../services/errors/outcome";
import type { ReVoicePreview } from "../services/creation/preview-re-voicing";
import type { Reservation } from "../services/creation/reservations";

/** What middleware hands to handlers. */
export interface ApiEnv {
  Bindings: Env;
  Variables: {
    traceId: string;
    runtime: ApiRuntime;
    services: Services;
    /** Set under /v1, once the key is known. */
    call: CallContext;
    /** Set on routes that start a task. */
    creation: Creation;
    /** Set on routes that create an agent or a collection; null without a request id. */
    creationRequest: CreationRequest | null;
    /** Set on a GET that started a task, or joined one, in place of its answer. */
    inBackground: Creation | undefined;
    /** Set on routes that reserve an id. */
    reservation: Reservation;
    /** Set instead of `creation` when the body is a bulk. */
    bulk: readonly Outcome<Creation>[] | undefined;
    /** Set instead of `creation` by a dry run. */
    preview: ReVoicePreview | undefined;
  };
}

export type Api = OpenAPIHono<ApiEnv>;
