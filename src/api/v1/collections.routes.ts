import { createRoute, z } from "@hono/zod-openapi";
import { createCollection, getCollection, listCollections } from "../../services/collections";
import { listOf, pageRequestOf } from "../cursor";
import type { Api } from "../env";
import { jsonBody } from "../middleware/json-body";
import { rateLimit } from "../middleware/rate-limit";
import { BODY_PROBLEMS, COMMON_PROBLEMS, json, jsonRequest, problems, SECURED } from "../route";
import {
  CollectionCreateV1,
  CollectionListV1,
  CollectionV1,
  toCollectionDraft,
  toCollectionV1,
} from "./collections.dto";
import { CursorQueryV1, idParameter, IncludeDeletedQueryV1, LimitQueryV1 } from "./common.dto";

const CollectionParamsV1 = z.object({
  collection_id: idParameter("collection_id", "collection_0b7e4c1d9a5f4e6c8d2b3a1f0e9d8c7b"),
});

const collectionsCreate = createRoute({
  method: "put",
  path: "/v1/collections",
  operationId: "collections-create",
  tags: ["collections"],
  summary: "Create a collection",
  security: SECURED,
  middleware: [rateLimit, jsonBody()],
  request: { body: jsonRequest(CollectionCreateV1) },
  responses: {
    201: {
      ...json(CollectionV1, "The collection that was created."),
      headers: z.object({ Location: z.string().openapi({ description: "Where the collection is read." }) }),
    },
    ...problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS),
  },
});

const collectionsList = createRoute({
  method: "get",
  path: "/v1/collections",
  operationId: "collections-list",
  tags: ["collections"],
  summary: "List the collections, newest first",
  security: SECURED,
  middleware: [rateLimit],
  request: {
    query: z.strictObject({ limit: LimitQueryV1, cursor: CursorQueryV1, include_deleted: IncludeDeletedQueryV1 }),
  },
  responses: { 200: json(CollectionListV1, "A page of collections."), ...problems(...COMMON_PROBLEMS, 400, 422) },
});

const collectionGet = createRoute({
  method: "get",
  path: "/v1/collections/{collection_id}",
  operationId: "collection-get",
  tags: ["collections"],
  summary: "Read a collection",
  security: SECURED,
  middleware: [rateLimit],
  request: { params: CollectionParamsV1, query: z.strictObject({ include_deleted: IncludeDeletedQueryV1 }) },
  responses: { 200: json(CollectionV1, "The collection."), ...problems(...COMMON_PROBLEMS, 404, 410, 422) },
});

export function collectionsRoutes(app: Api): void {
  app.openapi(collectionsCreate, async (c) => {
    const collection = await createCollection(c.get("call"), toCollectionDraft(c.req.valid("json")));
    c.header("Location", `/v1/collections/${collection.id}`);
    return c.json(toCollectionV1(c.get("services"))(collection), 201);
  });
  app.openapi(collectionsList, async (c) => {
    const query = c.req.valid("query");
    const page = await listCollections(c.get("call"), query.include_deleted, pageRequestOf(query));
    return c.json(listOf(c, page, toCollectionV1(c.get("services"))), 200);
  });
  app.openapi(collectionGet, async (c) => {
    const { collection_id } = c.req.valid("param");
    const collection = await getCollection(c.get("call"), collection_id, c.req.valid("query").include_deleted);
    return c.json(toCollectionV1(c.get("services"))(collection), 200);
  });
}
