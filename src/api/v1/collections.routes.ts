import { createRoute, z } from "@hono/zod-openapi";
import { removeCollection } from "../../services/collections/remove-collection";
import {
  createCollection,
  getCollection,
  listCollections,
  searchCollections,
  undeleteCollection,
  updateCollection,
} from "../../services/collections/collections";
import { listOf, pageOf, pageRequestOf } from "../cursor";
import type { Api } from "../env";
import { etagOf, versionsOf } from "../etag";
import { creationRequestOf } from "../creation-request";
import { jsonBody } from "../middleware/json-body";
import { rateLimit } from "../middleware/rate-limit";
import { BODY_PROBLEMS, COMMON_PROBLEMS, json, jsonRequest, problems, SECURED } from "../route";
import {
  CollectionCreateV1,
  CollectionListV1,
  CollectionRemovalV1,
  CollectionsSearchV1,
  CollectionUpdateV1,
  CollectionV1,
  toCollectionDraft,
  toCollectionFilters,
  toCollectionPatch,
  toCollectionV1,
} from "./collections.dto";
import {
  CursorQueryV1,
  etagHeaderV1,
  idParameter,
  IfMatchHeadersV1,
  IncludeDeletedQueryV1,
  LimitQueryV1,
  locationHeaderV1,
  NoQueryV1,
  RemovalQueryV1,
  replayedHeaderV1,
  toRemoval,
} from "./common.dto";
import { requestIdHeaderV1 } from "./creation.dto";
import { SEARCH_DESCRIPTION, toNounSearch } from "./search.dto";

const CollectionParamsV1 = z.object({
  collection_id: idParameter("collection_id", "collection_0b7e4c1d9a5f4e6c8d2b3a1f0e9d8c7b"),
});

const collectionAnswer = (description: string) => ({
  ...json(CollectionV1, description),
  headers: z.object({ ETag: etagHeaderV1 }),
});
const createdHeaders = z.object({
  ETag: etagHeaderV1,
  Location: locationHeaderV1,
  "Idempotent-Replayed": replayedHeaderV1,
});

const collectionsCreate = createRoute({
  method: "put",
  path: "/v1/collections",
  operationId: "collections-create",
  tags: ["collections"],
  summary: "Create a collection",
  description: [
    "With a `requestId` it is created once, however often the call is sent: a repeat answers 200 with the collection as",
    "it is now, or 410 when it was deleted since.",
  ].join("\n"),
  security: SECURED,
  middleware: [rateLimit, jsonBody()],
  request: { headers: z.object({ requestId: requestIdHeaderV1(false) }), body: jsonRequest(CollectionCreateV1) },
  responses: {
    200: { ...json(CollectionV1, "An earlier call created it; the collection as it is now."), headers: createdHeaders },
    201: { ...json(CollectionV1, "The collection that was created."), headers: createdHeaders },
    ...problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS, 410),
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
  responses: { 200: collectionAnswer("The collection."), ...problems(...COMMON_PROBLEMS, 404, 410, 422) },
});

const collectionsSearch = createRoute({
  method: "post",
  path: "/v1/collections/search",
  operationId: "collections-search",
  tags: ["collections"],
  summary: "Find collections by words and properties",
  description: SEARCH_DESCRIPTION,
  security: SECURED,
  middleware: [rateLimit, jsonBody()],
  request: { query: NoQueryV1, body: jsonRequest(CollectionsSearchV1) },
  responses: {
    200: json(CollectionListV1, "A page of collections."),
    ...problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS),
  },
});

const collectionUpdate = createRoute({
  method: "patch",
  path: "/v1/collections/{collection_id}",
  operationId: "collection-update",
  tags: ["collections"],
  summary: "Change a collection",
  description: [
    "What is not given stays; null clears. With `If-Match` it is changed only if nobody else did since. Its memories have",
    "versions of their own: adding some does not change the collection's.",
  ].join("\n"),
  security: SECURED,
  middleware: [rateLimit, jsonBody()],
  request: {
    params: CollectionParamsV1,
    query: NoQueryV1,
    headers: IfMatchHeadersV1,
    body: jsonRequest(CollectionUpdateV1),
  },
  responses: {
    200: collectionAnswer("The collection as it is now."),
    ...problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS, 404, 410, 412),
  },
});

const collectionDelete = createRoute({
  method: "delete",
  path: "/v1/collections/{collection_id}",
  operationId: "collection-delete",
  tags: ["collections"],
  summary: "Delete a collection",
  description: [
    "It can come back with `PATCH …/undelete`, and keeps its memories and bindings until then. With `hard=true` it is",
    "removed for good, with both: nobody finds it from the first moment on. When there are more memories than one call",
    "removes, the answer is 503 `removal-pending`: the rest is removed without you, and sending the call again is safe.",
  ].join("\n"),
  security: SECURED,
  middleware: [rateLimit],
  request: { params: CollectionParamsV1, query: RemovalQueryV1 },
  responses: {
    200: json(CollectionRemovalV1, "With `dry_run=true`: what would go."),
    204: { description: "It is deleted." },
    ...problems(...COMMON_PROBLEMS, 404, 410, 422),
  },
});

const collectionUndelete = createRoute({
  method: "patch",
  path: "/v1/collections/{collection_id}/undelete",
  operationId: "collection-undelete",
  tags: ["collections"],
  summary: "Bring a deleted collection back",
  security: SECURED,
  middleware: [rateLimit],
  request: { params: CollectionParamsV1, query: NoQueryV1 },
  responses: { 200: collectionAnswer("The collection."), ...problems(...COMMON_PROBLEMS, 404, 422) },
});

export function collectionsRoutes(app: Api): void {
  app.openapi(collectionsCreate, async (c) => {
    const draft = toCollectionDraft(c.req.valid("json"));
    const { made, replayed } = await createCollection(c.get("call"), draft, await creationRequestOf(c));
    c.header("Location", `/v1/collections/${made.id}`);
    c.header("ETag", etagOf(made.version));
    c.header("Idempotent-Replayed", String(replayed));
    return c.json(toCollectionV1(c.get("services"))(made), replayed ? 200 : 201);
  });
  app.openapi(collectionsList, async (c) => {
    const query = c.req.valid("query");
    const page = await listCollections(c.get("call"), query.include_deleted, pageRequestOf(query));
    return c.json(listOf(c, page, toCollectionV1(c.get("services"))), 200);
  });
  app.openapi(collectionGet, async (c) => {
    const { collection_id } = c.req.valid("param");
    const collection = await getCollection(c.get("call"), collection_id, c.req.valid("query").include_deleted);
    c.header("ETag", etagOf(collection.version));
    return c.json(toCollectionV1(c.get("services"))(collection), 200);
  });
  app.openapi(collectionsSearch, async (c) => {
    const given = c.req.valid("json");
    const [search, filters] = [toNounSearch(given), toCollectionFilters(given)];
    const page = await searchCollections(c.get("call"), search, filters, pageRequestOf(given));
    return c.json(pageOf(page, toCollectionV1(c.get("services"))), 200);
  });
  app.openapi(collectionUpdate, async (c) => {
    const { collection_id } = c.req.valid("param");
    const versions = versionsOf(c.req.valid("header")["If-Match"]);
    const patch = toCollectionPatch(c.req.valid("json"));
    const collection = await updateCollection(c.get("call"), collection_id, patch, versions);
    c.header("ETag", etagOf(collection.version));
    return c.json(toCollectionV1(c.get("services"))(collection), 200);
  });
  app.openapi(collectionDelete, async (c) => {
    const removal = toRemoval(c.req.valid("query"));
    const counts = await removeCollection(c.get("call"), c.req.valid("param").collection_id, removal);
    return removal.dryRun ? c.json(counts, 200) : c.body(null, 204);
  });
  app.openapi(collectionUndelete, async (c) => {
    const collection = await undeleteCollection(c.get("call"), c.req.valid("param").collection_id);
    c.header("ETag", etagOf(collection.version));
    return c.json(toCollectionV1(c.get("services"))(collection), 200);
  });
}
