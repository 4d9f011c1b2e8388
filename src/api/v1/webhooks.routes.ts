import { createRoute, z } from "@hono/zod-openapi";
import {
  createWebhook,
  getWebhook,
  getWebhookSecret,
  listWebhooks,
  removeWebhook,
  rotateWebhookSecret,
  updateWebhook,
} from "../../services/webhooks/webhooks";
import { listOf, pageRequestOf } from "../cursor";
import type { Api } from "../env";
import { etagOf, versionsOf } from "../etag";
import { jsonBody } from "../middleware/json-body";
import { rateLimit } from "../middleware/rate-limit";
import { BODY_PROBLEMS, COMMON_PROBLEMS, json, jsonRequest, problems, SECURED } from "../route";
import {
  CursorQueryV1,
  etagHeaderV1,
  idParameter,
  IfMatchHeadersV1,
  LimitQueryV1,
  locationHeaderV1,
  NoQueryV1,
} from "./common.dto";
import { WebhookMessageV1 } from "./webhook-event.dto";
import {
  toWebhookDraft,
  toWebhookPatch,
  toWebhookSecretV1,
  toWebhookV1,
  WEBHOOK_ID_EXAMPLE,
  WebhookCreateV1,
  WebhookListV1,
  WebhookSecretV1,
  WebhookUpdateV1,
  WebhookV1,
} from "./webhooks.dto";

const tags = ["webhooks"];
const params = z.object({ webhook_id: idParameter("webhook_id", WEBHOOK_ID_EXAMPLE) });
const webhookAnswer = (description: string) => ({
  ...json(WebhookV1, description),
  headers: z.object({ ETag: etagHeaderV1 }),
});
const createdAnswer = (description: string) => ({
  ...json(WebhookV1, description),
  headers: z.object({ ETag: etagHeaderV1, Location: locationHeaderV1 }),
});

const webhooksCreate = createRoute({
  method: "put",
  path: "/v1/webhooks",
  operationId: "webhooks-create",
  tags,
  summary: "Make the webhook of an address",
  description: [
    "A task that names an address makes its webhook too; this makes it before, so that its secret can be read. An address",
    "is one webhook in a namespace: asked for again it is there, as it is now. Tasks need not ask for it first.",
  ].join("\n"),
  security: SECURED,
  middleware: [rateLimit, jsonBody()],
  request: { query: NoQueryV1, body: jsonRequest(WebhookCreateV1) },
  responses: {
    200: createdAnswer("It was there; as it is now."),
    201: createdAnswer("The webhook that was made."),
    ...problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS),
  },
});

const webhooksList = createRoute({
  method: "get",
  path: "/v1/webhooks",
  operationId: "webhooks-list",
  tags,
  summary: "List the webhooks, newest first",
  security: SECURED,
  middleware: [rateLimit],
  request: { query: z.strictObject({ limit: LimitQueryV1, cursor: CursorQueryV1 }) },
  responses: { 200: json(WebhookListV1, "A page of webhooks."), ...problems(...COMMON_PROBLEMS, 400, 422) },
});

const webhookGet = createRoute({
  method: "get",
  path: "/v1/webhooks/{webhook_id}",
  operationId: "webhook-get",
  tags,
  summary: "Read a webhook",
  security: SECURED,
  middleware: [rateLimit],
  request: { params, query: NoQueryV1 },
  responses: { 200: webhookAnswer("The webhook."), ...problems(...COMMON_PROBLEMS, 404, 422) },
});

const webhookUpdate = createRoute({
  method: "patch",
  path: "/v1/webhooks/{webhook_id}",
  operationId: "webhook-update",
  tags,
  summary: "Describe, disable or enable a webhook",
  description: "What waits for a disabled webhook is dropped when its turn comes; it can be redelivered later.",
  security: SECURED,
  middleware: [rateLimit, jsonBody()],
  request: { params, query: NoQueryV1, headers: IfMatchHeadersV1, body: jsonRequest(WebhookUpdateV1) },
  responses: {
    200: webhookAnswer("The webhook as it is now."),
    ...problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS, 404, 412),
  },
});

const webhookDelete = createRoute({
  method: "delete",
  path: "/v1/webhooks/{webhook_id}",
  operationId: "webhook-delete",
  tags,
  summary: "Delete a webhook",
  description: "Nothing more is sent to its address. Named again, it is a new webhook with another secret.",
  security: SECURED,
  middleware: [rateLimit],
  request: { params, query: NoQueryV1 },
  responses: { 204: { description: "It is deleted." }, ...problems(...COMMON_PROBLEMS, 404, 422) },
});

const secretGet = createRoute({
  method: "get",
  path: "/v1/webhooks/{webhook_id}/secret",
  operationId: "webhook-secret-get",
  tags,
  summary: "Read the secret that signs its messages",
  security: SECURED,
  middleware: [rateLimit],
  request: { params, query: NoQueryV1 },
  responses: { 200: json(WebhookSecretV1, "The secret."), ...problems(...COMMON_PROBLEMS, 404, 409, 422) },
});

const secretRotate = createRoute({
  method: "patch",
  path: "/v1/webhooks/{webhook_id}/rotate-secret",
  operationId: "webhook-secret-rotate",
  tags,
  summary: "Make another secret",
  description: [
    "The one before it signs for 24 hours more, beside the new one; older ones end at once. With `If-Match` it is",
    "made only if nobody else changed the webhook since: so a call that is sent again makes no further one.",
  ].join("\n"),
  security: SECURED,
  middleware: [rateLimit],
  request: { params, query: NoQueryV1, headers: IfMatchHeadersV1 },
  responses: {
    200: json(WebhookSecretV1, "The new secret."),
    ...problems(...COMMON_PROBLEMS, 400, 404, 409, 412, 422),
  },
});

/** What is sent, not taken: it stands in the document only. */
const taskEnd = {
  method: "post" as const,
  path: "task-end",
  operationId: "webhook-task-end",
  tags,
  summary: "What a webhook is sent when a task ends",
  description: "Signed as Standard Webhooks has it: `webhook-id`, `webhook-timestamp`, `webhook-signature`.",
  security: [],
  request: { body: { required: true, content: { "application/cloudevents+json": { schema: WebhookMessageV1 } } } },
  responses: {
    204: { description: "It has arrived. Any 2xx will do; what else comes is read no further." },
    410: { description: "Nobody wants to hear more: the webhook is disabled." },
  },
};

export function webhooksRoutes(app: Api): void {
  app.openAPIRegistry.registerWebhook(taskEnd);
  app.openapi(webhooksCreate, async (c) => {
    const { made, replayed } = await createWebhook(c.get("call"), toWebhookDraft(c.req.valid("json")));
    c.header("Location", `/v1/webhooks/${made.id}`);
    c.header("ETag", etagOf(made.version));
    return c.json(toWebhookV1(made), replayed ? 200 : 201);
  });
  app.openapi(webhooksList, async (c) => {
    const page = await listWebhooks(c.get("call"), pageRequestOf(c.req.valid("query")));
    return c.json(listOf(c, page, toWebhookV1), 200);
  });
  app.openapi(webhookGet, async (c) => {
    const webhook = await getWebhook(c.get("call"), c.req.valid("param").webhook_id);
    c.header("ETag", etagOf(webhook.version));
    return c.json(toWebhookV1(webhook), 200);
  });
  app.openapi(webhookUpdate, async (c) => {
    const versions = versionsOf(c.req.valid("header")["If-Match"]);
    const patch = toWebhookPatch(c.req.valid("json"));
    const webhook = await updateWebhook(c.get("call"), c.req.valid("param").webhook_id, patch, versions);
    c.header("ETag", etagOf(webhook.version));
    return c.json(toWebhookV1(webhook), 200);
  });
  app.openapi(webhookDelete, async (c) => {
    await removeWebhook(c.get("call"), c.req.valid("param").webhook_id);
    return c.body(null, 204);
  });
  app.openapi(secretGet, async (c) => {
    const secret = await getWebhookSecret(c.get("call"), c.req.valid("param").webhook_id);
    return c.json(toWebhookSecretV1(secret), 200);
  });
  app.openapi(secretRotate, async (c) => {
    const versions = versionsOf(c.req.valid("header")["If-Match"]);
    const secret = await rotateWebhookSecret(c.get("call"), c.req.valid("param").webhook_id, versions);
    return c.json(toWebhookSecretV1(secret), 200);
  });
}
