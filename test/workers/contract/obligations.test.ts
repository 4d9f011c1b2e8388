import { describe, expect, it } from "vitest";
import { type Answer, call } from "../../support/api";
import { ask, document, isAdmins, operations, own, pathOf, secured, withId } from "../../support/ask";
import { loggedCalls, resetFaults } from "../../support/faults";
import { problemOf } from "../../support/nouns";
import { pathParametersOf } from "../../support/openapi";
import { pointersOf, refusalOf } from "../../support/refusal";
import { rowCounts, settledTenant } from "../../support/tenant";

/*
 * What every operation owes, generated from the document: a new route without it fails here.
 */

const foreign = await settledTenant();
/** Whose things may be changed, deleted and brought back. */
const spent = await settledTenant();

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const TRACE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe.each(secured)("$operationId", (operation) => {
  it("answers 401 to a call without a key, before it looks at anything else", async () => {
    const answer = await ask(operation, { key: null, body: "{", headers: { requestId: "none" } });
    expect(refusalOf(answer)).toBe("401 key-invalid");
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer /);
  });

  it("answers 401 to a key that is wrong", async () => {
    const unknown = `rfr_${"0".repeat(32)}_${"0".repeat(64)}`;
    for (const key of ["wrong", unknown, `${own.key}0`]) {
      const answer = await ask(operation, { key });
      expect([key, refusalOf(answer)]).toEqual([key, "401 key-invalid"]);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer /);
    }
  });

  it("answers 401 to a key that is not a bearer key", async () => {
    const answer = await ask(operation, { key: null, headers: { authorization: `Basic ${btoa(`x:${own.key}`)}` } });
    expect(refusalOf(answer)).toBe("401 key-invalid");
  });
});

describe.each(operations)("$operationId", (operation) => {
  it("gives each answer a trace id of its own", async () => {
    const answers = [await ask(operation, { tenant: spent }), await ask(operation, { tenant: spent })];
    const traceIds = answers.map(({ headers }) => headers.get("x-trace-id"));
    expect(traceIds).toEqual([expect.stringMatching(TRACE_ID), expect.stringMatching(TRACE_ID)]);
    expect(traceIds[0]).not.toBe(traceIds[1]);
  });
});

describe.each(secured)("$operationId", (operation) => {
  it("says the same trace id in the body of a problem", async () => {
    const { headers, body } = await ask(operation, { key: "wrong" });
    expect(body.trace_id).toBe(headers.get("x-trace-id"));
  });
});

/** These take an id that nobody has seen yet: a client gives up what may still be under way. */
const TAKES_UNKNOWN_IDS = new Set(["request-cancel"]);
const ofKnownIds = withId.filter(({ operationId }) => !TAKES_UNKNOWN_IDS.has(operationId));

const parametersInPaths = ofKnownIds.flatMap((operation) =>
  pathParametersOf(operation).map((parameter) => ({ operation, parameter, operationId: operation.operationId })),
);

describe.each(parametersInPaths)("$operationId", ({ operation, parameter }) => {
  it(`answers the same 404 for an unknown, a malformed and another tenant's ${parameter}, and changes nothing`, async () => {
    const before = await rowCounts();
    const ids = [...badIds(parameter), ...(isAdmins(operation) ? [] : [foreign.ids[parameter] ?? ""])];
    const noText = pathOf(operation, { [parameter]: "BROKEN" }).replace("BROKEN", "%E0%A4%A");
    const [first, ...others] = await Promise.all([
      ask(operation, { path: noText }),
      ...ids.map((id) => ask(operation, { ids: { [parameter]: id } })),
    ]);
    expect(refusalOf(first)).toMatch(/^404 [a-z]+-not-found$/);
    expect(others.map((answer) => problemOf(answer))).toEqual(others.map(() => problemOf(first)));
    expect(await rowCounts()).toEqual(before);
  });
});

function badIds(parameter: string): readonly string[] {
  const id = own.ids[parameter] ?? "";
  const unknown = id.includes("_") ? `${id.split("_")[0]}_${"0".repeat(32)}` : crypto.randomUUID();
  return [unknown, "no-id-of-ours", `${id}x`, "%", "a/b", "a\0b", "ä🦆", "*", "x".repeat(2_000)];
}

describe.each(ofKnownIds.filter((operation) => !isAdmins(operation)))("$operationId", (operation) => {
  it("answers 404 when all the ids are another tenant's, and changes nothing", async () => {
    const before = await rowCounts();
    expect(refusalOf(await ask(operation, { ids: foreign.ids }))).toMatch(/^404 /);
    expect(await rowCounts()).toEqual(before);
  });
});

describe.each(secured.filter(isAdmins))("$operationId", (operation) => {
  it("answers 403 to a key that is not the admin's, and changes nothing", async () => {
    const before = await rowCounts();
    expect(refusalOf(await ask(operation, { key: own.key }))).toBe("403 admin-key-required");
    expect(await rowCounts()).toEqual(before);
  });
});

/** All methods under which a path is known; a path such as /v1/batches/id is one of /v1/batches/{id} as well. */
function methodsOf(path: string): readonly string[] {
  const patterns = Object.entries(document.paths).map(([other, methods]) => ({
    matches: new RegExp(`^${other.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
    methods: Object.keys(methods).map((method) => method.toUpperCase()),
  }));
  const methods = patterns.filter(({ matches }) => matches.test(path)).flatMap((known) => known.methods);
  return [...new Set(methods.includes("GET") ? [...methods, "HEAD"] : methods)];
}

describe.each(Object.keys(document.paths).map((path) => ({ path })))("$path", (known) => {
  const all = methodsOf(known.path);

  it("answers 405 to every other method, and says in Allow which it takes", async () => {
    const path = pathOf(known);
    const allow = all.toSorted().join(", ");
    for (const method of METHODS.filter((other) => !all.includes(other))) {
      const answer = await call(method, path, { key: own.key });
      expect([method, refusalOf(answer)]).toEqual([method, "405 method-not-allowed"]);
      expect([method, answer.headers.get("allow")]).toEqual([method, allow]);
    }
  });
});

describe.each(operations.filter(({ method }) => method === "GET"))("$operationId", (operation) => {
  it("answers HEAD with the status and headers of GET, without a body, and starts nothing", async () => {
    const before = await rowCounts();
    resetFaults();
    const get = await ask(operation);
    const head = await ask({ ...operation, method: "HEAD" });
    expect([get.status, head.status, head.body]).toEqual([200, 200, null]);
    expect(headersOf(head)).toEqual(headersOf(get));
    const writes = /^(queue: send|object: claim|db: (insert|update|delete))/i;
    expect(loggedCalls().filter((label) => writes.test(label))).toEqual([]);
    expect(await rowCounts()).toEqual(before);
  });
});

function headersOf({ headers }: Answer): readonly (readonly [string, string])[] {
  return [...headers].filter(([name]) => name !== "x-trace-id");
}

/** These refuse a query parameter that they do not know; all others ignore it. */
const STRICT_QUERIES = new Set([
  "agents-list",
  "agents-search",
  "agent-get",
  "agent-delete",
  "agent-collections-list",
  "collections-list",
  "collections-search",
  "collection-get",
  "collection-update",
  "collection-delete",
  "collection-undelete",
  "collection-memories-add",
  "collection-export",
  "collection-import",
  "collection-analyze",
  "collection-rebuild",
  "checkmate-task-file-get",
  "collection-memories-list",
  "collection-memories-truncate",
  "collection-memory-get",
  "collection-memory-update",
  "collection-memory-delete",
  "collection-memory-undelete",
  "webhooks-create",
  "webhooks-list",
  "webhook-get",
  "webhook-update",
  "webhook-delete",
  "webhook-secret-get",
  "webhook-secret-rotate",
  "webhook-deliveries-list",
  "webhook-delivery-redeliver",
  "namespaces-list",
  "keys-list",
  "batches-list",
  "batch-get",
  "batch-state",
  "checkmate-tasks-list",
  "checkmate-task-get",
  "checkmate-task-status",
  "checkmate-task-items-list",
  "checkmate-task-events-list",
  "batch-log",
  "checkmate-task-cancel",
  "checkmate-tasks-cancel",
  "checkmate-tasks-clean",
  "request-get",
  "request-cancel",
  "policies-get",
  "batch-delete",
  "checkmate-task-invoke",
  "agent-collection-re-voice",
]);
const isStrict = ({ operationId }: { readonly operationId: string }) => STRICT_QUERIES.has(operationId);

describe.each(operations.filter((operation) => !isStrict(operation)))("$operationId", (operation) => {
  it("ignores a query parameter that it does not know", async () => {
    // Twice before, because the first call may delete what it names.
    await ask(operation, { tenant: spent });
    const plain = await ask(operation, { tenant: spent });
    const answer = await ask(operation, { tenant: spent, query: "?no_such_parameter=1" });
    expect(answer.status).toBe(plain.status);
  });
});

describe.each(operations.filter(isStrict))("$operationId", (operation) => {
  it("answers 422 to a query parameter that it does not know, and points to it", async () => {
    const before = await rowCounts();
    const answer = await ask(operation, { query: "?no_such_parameter=1" });
    expect(refusalOf(answer)).toBe("422 validation-failed");
    expect(pointersOf(answer)).toEqual(["/query/no_such_parameter"]);
    expect(await rowCounts()).toEqual(before);
  });
});

describe("a path that is not there", () => {
  it("answers 401 under /v1 without a key", async () => {
    for (const path of ["/v1", "/v1/", "/v1/nothing", "/v1/agents/a/b/c", "/v1/batches/"])
      expect([path, refusalOf(await call("GET", path, { key: null }))]).toEqual([path, "401 key-invalid"]);
  });

  it("answers 401 under /v1 without a key to a method that the path does not take", async () => {
    expect(refusalOf(await call("DELETE", "/v1/agents", { key: null }))).toBe("401 key-invalid");
  });

  it("answers 404 with a key, and outside of /v1", async () => {
    for (const path of ["/v1/nothing", "/v1/agents/a/b/c", "/v2/agents", "/nothing", "/v1/batches/"])
      expect([path, refusalOf(await call("GET", path, { key: own.key }))]).toEqual([path, "404 route-not-found"]);
  });
});
