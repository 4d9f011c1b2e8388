import { describe, expect, it } from "vitest";
import { createApp } from "../../../src/api/app";
import { bareLeaves, isSecured, jsonBodyOf, operationsOf, pathParametersOf, readDocument } from "../../support/openapi";

const document = await readDocument();
const operations = operationsOf(document);

/** Service, nouns of the path (singular after an id), verb. A new operation is a change of the contract: add it here. */
const OPERATION_IDS = [
  "healthz-get",
  "readyz-get",
  "openapi-get",
  "docs-get",
  "problem-get",
  "batches-create",
  "batches-submit",
  "batches-id-reserve",
  "batch-create",
  "batches-list",
  "batch-get",
  "batch-state",
  "checkmate-tasks-list",
  "checkmate-task-get",
  "checkmate-task-status",
  "checkmate-task-cancel",
  "checkmate-tasks-cancel",
  "checkmate-tasks-clean",
  "checkmate-task-items-list",
  "checkmate-task-events-list",
  "batch-log",
  "webhooks-create",
  "webhooks-list",
  "webhook-get",
  "webhook-update",
  "webhook-delete",
  "webhook-secret-get",
  "webhook-secret-rotate",
  "webhook-deliveries-list",
  "webhook-delivery-redeliver",
  "request-get",
  "request-cancel",
  "policies-get",
  "batch-delete",
  "checkmate-task-invoke",
  "agents-create",
  "agents-list",
  "agents-search",
  "agent-get",
  "agent-update",
  "agent-delete",
  "agent-undelete",
  "agent-collections-list",
  "agent-collection-bind",
  "agent-collection-unbind",
  "agent-collection-re-voice",
  "collections-create",
  "collections-list",
  "collections-search",
  "collection-get",
  "collection-update",
  "collection-delete",
  "collection-undelete",
  "collection-export",
  "collection-import",
  "collection-analyze",
  "collection-rebuild",
  "checkmate-task-file-get",
  "collection-memories-create",
  "collection-memories-add",
  "collection-memories-list",
  "collection-memories-truncate",
  "collection-memory-get",
  "collection-memory-update",
  "collection-memory-delete",
  "collection-memory-undelete",
  "collection-search",
  "agent-memories-search",
  "namespaces-create",
  "namespaces-list",
  "keys-create",
  "keys-list",
  "key-delete",
];

/** The router's own list, without the middleware. */
function routes(): readonly string[] {
  const own = createApp().routes.filter((route) => route.method !== "ALL" && route.method !== "HEAD");
  return [...new Set(own.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`))].toSorted();
}

const documented = operations.map(({ method, path }) => `${method} ${path}`).toSorted();
const idsOf = (wanted: readonly { readonly operationId: string }[]) => wanted.map(({ operationId }) => operationId);

describe("openapi-get", () => {
  it("answers an OpenAPI 3.1 document", () => {
    expect(document.openapi).toMatch(/^3\.1\./);
  });

  it("documents every route of the router, and no other", () => {
    expect(documented).toEqual(routes());
  });

  it("has the operations that the contract names, each once", () => {
    expect(idsOf(operations).toSorted()).toEqual(OPERATION_IDS.toSorted());
  });

  it("shows an event of a task, and the message of a webhook, as what each is", () => {
    const { TaskEventV1, WebhookMessageV1 } = document.components.schemas;
    expect(Object.keys(TaskEventV1?.properties ?? {})).toEqual(expect.arrayContaining(["sequence", "type", "at"]));
    expect(Object.keys(WebhookMessageV1?.properties ?? {})).toEqual(expect.arrayContaining(["specversion", "data"]));
  });

  it("declares every tag that it uses, and uses every tag that it declares", () => {
    const used = new Set(operations.flatMap(({ tags }) => tags));
    expect([...used].toSorted()).toEqual(document.tags.map(({ name }) => name).toSorted());
  });

  it("names each path parameter as the path does", () => {
    for (const operation of operations) {
      const { parameters = [], operationId } = operation;
      const named = parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name);
      expect([operationId, named.toSorted()]).toEqual([operationId, pathParametersOf(operation).toSorted()]);
    }
  });
});

describe("every operation", () => {
  it("has one tag or more", () => {
    expect(idsOf(operations.filter(({ tags }) => tags.length === 0))).toEqual([]);
  });

  it("has a summary", () => {
    expect(idsOf(operations.filter(({ summary }) => !summary))).toEqual([]);
  });

  it("asks for the bearer key under /v1, and for none elsewhere", () => {
    for (const operation of operations) {
      const expected = isSecured(operation) ? [{ bearer: [] }] : [];
      expect([operation.operationId, operation.security]).toEqual([operation.operationId, expected]);
    }
  });

  it("documents a success", () => {
    expect(idsOf(operations.filter(({ responses }) => !Object.keys(responses).some(isSuccess)))).toEqual([]);
  });

  it("documents its errors as problems, each with an example of that status", () => {
    const errors = operations.flatMap(({ operationId, responses }) =>
      Object.entries(responses)
        .filter(([status]) => !isSuccess(status) && operationId !== "problem-get")
        .map(([status, response]) => [operationId, status, response.content?.["application/problem+json"]] as const),
    );
    expect(errors.length).toBeGreaterThan(0);
    for (const [operationId, status, media] of errors)
      expect([operationId, media?.example]).toEqual([operationId, expect.objectContaining({ status: Number(status) })]);
  });

  it("documents under /v1 that the key may be wrong, the rate used up, and a part not there", () => {
    for (const { operationId, responses } of operations.filter(isSecured))
      expect([operationId, Object.keys(responses)]).toEqual([
        operationId,
        expect.arrayContaining(["401", "429", "503"]),
      ]);
  });

  it("documents with a body that it may be broken, too large, of another type, or not fit", () => {
    for (const { operationId, responses } of operations.filter((operation) => operation.requestBody))
      expect([operationId, Object.keys(responses)]).toEqual([
        operationId,
        expect.arrayContaining(["400", "413", "415", "422"]),
      ]);
  });

  it("documents with an id in its path that there may be no such thing", () => {
    const withId = operations.filter(({ path }) => path.includes("{"));
    expect(idsOf(withId.filter(({ responses }) => responses["404"] === undefined))).toEqual([]);
  });

  it("shows an example of each JSON request", () => {
    const bare = operations.flatMap((operation) => {
      const body = jsonBodyOf(operation);
      return body === undefined ? [] : bareLeaves(document, body).map((leaf) => `${operation.operationId} ${leaf}`);
    });
    expect(bare).toEqual([]);
  });

  it("shows an example of each JSON answer", () => {
    const bare = operations.flatMap(({ operationId, responses }) =>
      Object.entries(responses).flatMap(([status, { content = {} }]) => {
        const media = content["application/json"];
        const leaves = media === undefined ? [] : bareLeaves(document, media);
        return leaves.map((leaf) => `${operationId} ${status} ${leaf}`);
      }),
    );
    expect(bare).toEqual([]);
  });
});

function isSuccess(status: string): boolean {
  return status.startsWith("2");
}
