import { createRoute, z } from "@hono/zod-openapi";
import { createKey, listKeys, removeKey } from "../../services/access/keys";
import { listOf, pageRequestOf } from "../cursor";
import type { Api } from "../env";
import { jsonBody } from "../middleware/json-body";
import { rateLimit } from "../middleware/rate-limit";
import { BODY_PROBLEMS, COMMON_PROBLEMS, json, jsonRequest, problems, SECURED } from "../route";
import { CursorQueryV1, idParameter, LimitQueryV1, listV1 } from "./common.dto";
import { KeyCreateV1, KeyV1, NewKeyV1, toKeyDraft, toKeyV1, toNewKeyV1 } from "./keys.dto";

const keysCreate = createRoute({
  method: "put",
  path: "/v1/keys",
  operationId: "keys-create",
  tags: ["keys"],
  summary: "Create a bearer key",
  description: "Only the admin key may. The answer shows the whole key, this once.",
  security: SECURED,
  middleware: [rateLimit, jsonBody()],
  request: { body: jsonRequest(KeyCreateV1) },
  responses: {
    201: json(NewKeyV1, "The key that was created."),
    ...problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS, 403, 404),
  },
});

const keysList = createRoute({
  method: "get",
  path: "/v1/keys",
  operationId: "keys-list",
  tags: ["keys"],
  summary: "List the keys of a namespace, newest first",
  description: "Only the admin key may. Expired keys are listed too.",
  security: SECURED,
  middleware: [rateLimit],
  request: {
    query: z.strictObject({
      limit: LimitQueryV1,
      cursor: CursorQueryV1,
      namespace_id: z.string().optional().openapi({
        description: "Default: the namespace `default`.",
      }),
    }),
  },
  responses: {
    200: json(listV1(KeyV1, "KeyListV1"), "A page of keys."),
    ...problems(...COMMON_PROBLEMS, 400, 403, 404, 422),
  },
});

const keyDelete = createRoute({
  method: "delete",
  path: "/v1/keys/{key_id}",
  operationId: "key-delete",
  tags: ["keys"],
  summary: "End a key, within 10 seconds and for good",
  description:
    "Only the admin key may. A deleted key is refused everywhere within 10 seconds of the answer: during these seconds a server that has verified the key before may still accept it. Calls that were accepted by then are answered.",
  security: SECURED,
  middleware: [rateLimit],
  request: { params: z.object({ key_id: idParameter("key_id", "key_9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a") }) },
  responses: {
    204: { description: "The key is deleted, and is refused everywhere within 10 seconds." },
    ...problems(...COMMON_PROBLEMS, 403, 404),
  },
});

export function keysRoutes(app: Api): void {
  app.openapi(keysCreate, async (c) => {
    const created = await createKey(c.get("call"), toKeyDraft(c.req.valid("json")));
    return c.json(toNewKeyV1(created), 201);
  });
  app.openapi(keysList, async (c) => {
    const query = c.req.valid("query");
    const page = await listKeys(c.get("call"), query.namespace_id ?? null, pageRequestOf(query));
    return c.json(listOf(c, page, toKeyV1), 200);
  });
  app.openapi(keyDelete, async (c) => {
    await removeKey(c.get("call"), c.req.valid("param").key_id);
    return c.body(null, 204);
  });
}
