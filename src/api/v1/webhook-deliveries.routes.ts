import { createRoute, z } from "@hono/zod-openapi";
import { listDeliveries, redeliver } from "../../services/webhooks/deliveries";
import { listOf, pageRequestOf } from "../cursor";
import type { Api } from "../env";
import { rateLimit } from "../middleware/rate-limit";
import { COMMON_PROBLEMS, json, problems, SECURED } from "../route";
import { CursorQueryV1, idParameter, LimitQueryV1, NoQueryV1 } from "./common.dto";
import { DELIVERY_ID_EXAMPLE, DeliveryListV1, DeliveryV1, toDeliveryV1 } from "./webhook-deliveries.dto";
import { DeliveryStateV1, WEBHOOK_ID_EXAMPLE } from "./webhooks.dto";

const tags = ["webhooks"];
const webhookId = idParameter("webhook_id", WEBHOOK_ID_EXAMPLE);

const deliveriesList = createRoute({
  method: "get",
  path: "/v1/webhooks/{webhook_id}/deliveries",
  operationId: "webhook-deliveries-list",
  tags,
  summary: "List what a webhook was to be told, newest first",
  description: "The log: each message with its attempts, for 30 days.",
  security: SECURED,
  middleware: [rateLimit],
  request: {
    params: z.object({ webhook_id: webhookId }),
    query: z.strictObject({ limit: LimitQueryV1, cursor: CursorQueryV1, state: DeliveryStateV1.optional() }),
  },
  responses: { 200: json(DeliveryListV1, "A page of deliveries."), ...problems(...COMMON_PROBLEMS, 400, 404, 422) },
});

const deliveryRedeliver = createRoute({
  method: "patch",
  path: "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
  operationId: "webhook-delivery-redeliver",
  tags,
  summary: "Send a message once more",
  description: "Now, with all attempts anew, and with the same `webhook-id`.",
  security: SECURED,
  middleware: [rateLimit],
  request: {
    params: z.object({ webhook_id: webhookId, delivery_id: idParameter("delivery_id", DELIVERY_ID_EXAMPLE) }),
    query: NoQueryV1,
  },
  responses: { 200: json(DeliveryV1, "The delivery, due now."), ...problems(...COMMON_PROBLEMS, 404, 409, 422) },
});

export function webhookDeliveriesRoutes(app: Api): void {
  app.openapi(deliveriesList, async (c) => {
    const query = c.req.valid("query");
    const { webhook_id } = c.req.valid("param");
    const page = await listDeliveries(c.get("call"), webhook_id, query.state, pageRequestOf(query));
    return c.json(listOf(c, page, toDeliveryV1), 200);
  });
  app.openapi(deliveryRedeliver, async (c) => {
    const { webhook_id, delivery_id } = c.req.valid("param");
    return c.json(toDeliveryV1(await redeliver(c.get("call"), webhook_id, delivery_id)), 200);
  });
}
