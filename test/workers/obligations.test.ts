import { beforeAll, describe, expect, it } from "vitest";
import { ADMIN_KEY, type Answer, call } from "../support/api";
import { loggedCalls, resetFaults } from "../support/faults";
import { problemOf } from "../support/nouns";
import {
  exampleOf,
  fill,
  isSecured,
  jsonBodyOf,
  objectSchema,
  type Operation,
  operationsOf,
  pathParametersOf,
  readDocument,
} from "../support/openapi";
import { rowCounts, type SettledTenant, settledTenant } from "../support/tenant";

/*
 * What every operation owes, generated from the document: a new route without it fails here.
 */

const document = await readDocument();
const operations = operationsOf(document);
const secured = operations.filter(isSecured);
const withBody = operations.filter((operation) => jsonBodyOf(operation) !== undefined);
const withId = secured.filter((operation) => pathParametersOf(operation).length > 0);
const reading = operations.filter(({ method }) => method === "GET");

const MIB = 1_048_576;
/** Operations that take more than 1 MiB. */
const LARGER_BODIES: Readonly<Record<string, number>> = { "collection-memories-create": 8 * MIB };
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
const TRACE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

let own: SettledTenant;
let foreign: SettledTenant;
/** Whose things may be changed, deleted and brought back. */
let spent: SettledTenant;
beforeAll(async () => {
  [own, foreign, spent] = await Promise.all([settledTenant(), settledTenant(), settledTenant()]);
});

/** Namespaces and keys belong to no tenant: the admin key manages them. */
const isAdmins = ({ tags }: Operation) => tags.includes("namespaces") || tags.includes("keys");

interface Asked {
  readonly ids?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: unknown;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The path of an operation for the own tenant's things. */
function pathOf({ path }: Operation, ids: Asked["ids"] = {}): string {
  return fill(path, { code: "json-invalid", ...own.ids, ...ids });
}

/** Calls an operation as the document shows it, but for what is asked otherwise. */
async function ask(operation: Operation, asked: Asked = {}, path = pathOf(operation, asked.ids)): Promise<Answer> {
  const media = jsonBodyOf(operation);
  const takesRequestId = operation.parameters?.some(({ name }) => name === "requestId");
  const answer = await call(operation.method, `${path}${asked.query ?? ""}`, {
    key: keyFor(operation, asked.key),
    headers: { ...(takesRequestId && { requestId: crypto.randomUUID() }), ...asked.headers },
    ...(media && { body: asked.body ?? exampleOf(document, media) }),
  });
  expect([answer.status, Object.keys(operation.responses)]).toEqual([
    answer.status,
    expect.arrayContaining([String(answer.status)]),
  ]);
  return answer;
}

function keyFor(operation: Operation, asked: string | null | undefined): string | null {
  const isTenants = asked === undefined || asked === spent.key;
  if (isTenants && isAdmins(operation)) return ADMIN_KEY;
  return asked === undefined ? own.key : asked;
}

function expectProblem(answer: Answer, status: number, code: string): void {
  expect([answer.status, answer.body?.code]).toEqual([status, code]);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(answer.body).toMatchObject({ status, type: `/problems/${code}`, title: expect.any(String) });
  expect(answer.body.detail).toMatch(/^\S.*\.$/);
}

const pointersOf = ({ body }: Answer): readonly string[] =>
  body.errors.map((fault: { pointer: string }) => fault.pointer).toSorted();

describe.each(secured)("$operationId", (operation) => {
  it("answers 401 to a call without a key, before it looks at anything else", async () => {
    const answer = await ask(operation, { key: null, body: "{", headers: { requestId: "none" } });
    expectProblem(answer, 401, "key-invalid");
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer /);
  });

  it("answers 401 to a key that is wrong", async () => {
    const unknown = `rfr_${"0".repeat(32)}_${"0".repeat(64)}`;
    for (const key of ["wrong", unknown, `${own.key}0`]) {
      const answer = await ask(operation, { key });
      expectProblem(answer, 401, "key-invalid");
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer /);
    }
    const basic = await ask(operation, { key: null, headers: { authorization: `Basic ${btoa(`x:${own.key}`)}` } });
    expectProblem(basic, 401, "key-invalid");
  });
});

describe.each(operations)("$operationId", (operation) => {
  it("gives its answer a trace id of its own", async () => {
    const answers = [await ask(operation, spent), await ask(operation, spent)];
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

const parametersInPaths = withId.flatMap((operation) =>
  pathParametersOf(operation).map((parameter) => ({ operation, parameter, operationId: operation.operationId })),
);

describe.each(parametersInPaths)("$operationId", ({ operation, parameter }) => {
  it(`answers the same 404 for an unknown, a malformed and another tenant's ${parameter}, and changes nothing`, async () => {
    const before = await rowCounts();
    const answers = [
      ...(await Promise.all(badIds(parameter).map((id) => ask(operation, { ids: { [parameter]: id } })))),
      await ask(operation, {}, brokenEscape(operation, parameter)),
      ...(isAdmins(operation) ? [] : [await ask(operation, { ids: { [parameter]: foreign.ids[parameter] ?? "" } })]),
    ];
    const first = answers[0];
    if (first === undefined) throw new Error("Nothing was asked.");
    expectProblem(first, 404, first.body.code);
    expect(first.body.code).toMatch(/^[a-z]+-not-found$/);
    for (const answer of answers) expect(problemOf(answer)).toEqual(problemOf(first));
    expect(await rowCounts()).toEqual(before);
  });
});

describe.each(withId.filter((operation) => !isAdmins(operation)))("$operationId", (operation) => {
  it("answers 404 when all the ids are another tenant's, and changes nothing", async () => {
    const before = await rowCounts();
    const answer = await ask(operation, { ids: foreign.ids });
    expectProblem(answer, 404, answer.body.code);
    expect(await rowCounts()).toEqual(before);
  });
});

function badIds(parameter: string): readonly string[] {
  const id = own.ids[parameter] ?? "";
  const unknown = id.includes("_") ? `${id.split("_")[0]}_${"0".repeat(32)}` : crypto.randomUUID();
  return [unknown, "no-id-of-ours", `${id}x`, "%", "a/b", "a\0b", "ä", "🦆", "*", "x".repeat(2_000)];
}

/** A path whose parameter is no text in UTF-8. */
function brokenEscape(operation: Operation, parameter: string): string {
  return pathOf(operation, { [parameter]: "BROKEN" }).replace("BROKEN", "%E0%A4%A");
}

describe.each(withBody)("$operationId", (operation) => {
  const media = jsonBodyOf(operation);
  const example = media === undefined ? {} : exampleOf(document, media);
  const required = media === undefined ? [] : (objectSchema(document, media.schema).required ?? []);

  it("takes the example of its body", async () => {
    const { status } = await ask(operation);
    expect([400, 413, 415, 422]).not.toContain(status);
  });

  it("answers 400 to a body that is no JSON", async () => {
    for (const body of ["", "{", "nothing", '{"a":1}}']) {
      const before = await rowCounts();
      expectProblem(await ask(operation, { body }), 400, "json-invalid");
      expect(await rowCounts()).toEqual(before);
    }
  });

  it("answers 422 to a body that is JSON, but no object", async () => {
    for (const body of ["[]", "null", '"text"', "1"]) {
      const answer = await ask(operation, { body });
      expectProblem(answer, 422, "validation-failed");
      expect(pointersOf(answer)).toEqual([""]);
    }
  });

  it("answers 422 to a field that it does not know, and points to it", async () => {
    const before = await rowCounts();
    const answer = await ask(operation, { body: { ...example, "no/such~field": 1 } });
    expectProblem(answer, 422, "validation-failed");
    expect(pointersOf(answer)).toEqual(["/no~1such~0field"]);
    expect(await rowCounts()).toEqual(before);
  });

  it.skipIf(required.length === 0)("answers 422 without a field that it needs, and points to it", async () => {
    for (const field of required) {
      const { [field]: _, ...rest } = example;
      const answer = await ask(operation, { body: rest });
      expectProblem(answer, 422, "validation-failed");
      expect(pointersOf(answer)).toEqual([`/${field}`]);
      expect(answer.body.errors[0].detail).toMatch(/^This field is required: give .+\.$|^Must be one of: .+\.$/);
    }
  });

  it("answers 415 to another media type", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
      expectProblem(await ask(operation, { headers: { "content-type": type } }), 415, "media-type-unsupported");
  });

  it("takes JSON whatever its parameters and the case of its name", async () => {
    const { status } = await ask(operation, { headers: { "content-type": "Application/JSON; charset=utf-8" } });
    expect(status).not.toBe(415);
  });

  it("answers 413 to a body over its limit, whatever else is wrong with it", async () => {
    const limit = LARGER_BODIES[operation.operationId] ?? MIB;
    const before = await rowCounts();
    const [over, broken] = [JSON.stringify({ x: "x".repeat(Math.max(2 * MIB, limit)) }), "{".repeat(limit + 1)];
    expectProblem(await ask(operation, { body: over }), 413, "body-too-large");
    expectProblem(
      await ask(operation, { body: broken, headers: { "content-type": "text/plain" } }),
      413,
      "body-too-large",
    );
    expect(await rowCounts()).toEqual(before);
  });
});

describe.each(Object.entries(document.paths).map(([path, methods]) => ({ path, methods })))(
  "$path",
  ({ path, methods }) => {
    const known = Object.keys(methods).map((method) => method.toUpperCase());
    const allow = [...known, ...(known.includes("GET") ? ["HEAD"] : [])].toSorted().join(", ");

    it("answers 405 to every other method, and says in Allow which it takes", async () => {
      const filled = fill(path, { code: "json-invalid", ...own.ids });
      const others = [...METHODS, ...(known.includes("GET") ? [] : ["HEAD"])].filter(
        (method) => !known.includes(method),
      );
      for (const method of others) {
        const { status, headers, body } = await call(method, filled, { key: own.key });
        expect([method, status, headers.get("allow")]).toEqual([method, 405, allow]);
        expect(method === "HEAD" ? "method-not-allowed" : body.code).toBe("method-not-allowed");
      }
    });
  },
);

describe.each(reading)("$operationId", (operation) => {
  it("answers HEAD with the status and headers of GET, without a body, and starts nothing", async () => {
    const before = await rowCounts();
    resetFaults();
    const get = await ask(operation);
    const head = await ask({ ...operation, method: "HEAD" });
    expect(head.status).toBe(get.status);
    expect(headersOf(head)).toEqual(headersOf(get));
    expect(head.body).toBeNull();
    expect(
      loggedCalls().filter((label) => /^(queue: send|object: claim|db: (insert|update|delete))/i.test(label)),
    ).toEqual([]);
    expect(await rowCounts()).toEqual(before);
  });
});

function headersOf({ headers }: Answer): readonly (readonly [string, string])[] {
  return [...headers].filter(([name]) => name !== "x-trace-id");
}

/** These refuse a query parameter that they do not know; all others ignore it. */
const STRICT_QUERIES = new Set([
  "agents-list",
  "agent-get",
  "agent-delete",
  "agent-collections-list",
  "collections-list",
  "collection-get",
  "collection-memories-list",
  "collection-memory-get",
  "namespaces-list",
  "keys-list",
]);

describe.each(operations.filter(({ operationId }) => !STRICT_QUERIES.has(operationId)))("$operationId", (operation) => {
  it("ignores a query parameter that it does not know", async () => {
    // Twice before, because the first call may delete what it names.
    await ask(operation, spent);
    const plain = await ask(operation, spent);
    const answer = await ask(operation, { ...spent, query: "?no_such_parameter=1" });
    expect(answer.status).toBe(plain.status);
  });
});

describe.each(operations.filter(({ operationId }) => STRICT_QUERIES.has(operationId)))("$operationId", (operation) => {
  it("answers 422 to a query parameter that it does not know, and points to it", async () => {
    const before = await rowCounts();
    const answer = await ask(operation, { query: "?no_such_parameter=1" });
    expectProblem(answer, 422, "validation-failed");
    expect(pointersOf(answer)).toEqual(["/query/no_such_parameter"]);
    expect(await rowCounts()).toEqual(before);
  });
});

describe("a path that is not there", () => {
  it("answers 401 under /v1 without a key", async () => {
    for (const path of ["/v1", "/v1/", "/v1/nothing", "/v1/agents/a/b/c", "/v1/batches/"])
      expectProblem(await call("GET", path, { key: null }), 401, "key-invalid");
  });

  it("answers 401 under /v1 without a key to a method that the path does not take", async () => {
    expectProblem(await call("DELETE", "/v1/agents", { key: null }), 401, "key-invalid");
  });

  it("answers 404 with a key, and outside of /v1", async () => {
    for (const path of ["/v1/nothing", "/v1/agents/a/b/c", "/v2/agents", "/nothing", "/v1/batches/"])
      expectProblem(await call("GET", path, { key: own.key }), 404, "route-not-found");
  });
});
