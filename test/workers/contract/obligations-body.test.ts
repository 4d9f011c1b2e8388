import { describe, expect, it } from "vitest";
import { ask, document, withBody } from "../../support/ask";
import { exampleOf, jsonBodyOf, objectSchema } from "../../support/openapi";
import { pointersOf, refusalOf } from "../../support/refusal";
import { rowCounts } from "../../support/tenant";

/*
 * What every operation with a body owes, generated from the document.
 */

const MIB = 1_048_576;
/** Operations that take more than 1 MiB. */
const LARGER_BODIES: Readonly<Record<string, number>> = {
  "collection-memories-create": 8 * MIB,
  "collection-memories-add": 8 * MIB,
};

const bodies = withBody.flatMap((operation) => {
  const media = jsonBodyOf(operation);
  if (media === undefined) return [];
  const { operationId } = operation;
  const required = objectSchema(document, media.schema).required ?? [];
  return [{ operation, operationId, example: exampleOf(document, media), required }];
});

describe.each(bodies)("$operationId", ({ operation, operationId, example }) => {
  it("takes the example of its body", async () => {
    const { status } = await ask(operation);
    expect([400, 413, 415, 422]).not.toContain(status);
  });

  it("answers 400 to a body that is no JSON", async () => {
    const before = await rowCounts();
    for (const body of ["", "{", "nothing", '{"a":1}}'])
      expect([body, refusalOf(await ask(operation, { body }))]).toEqual([body, "400 json-invalid"]);
    expect(await rowCounts()).toEqual(before);
  });

  it("answers 422 to a body that is JSON, but no object", async () => {
    for (const body of ["[]", "null", '"text"', "1"]) {
      const answer = await ask(operation, { body });
      expect([body, refusalOf(answer)]).toEqual([body, "422 validation-failed"]);
      expect(pointersOf(answer)).toEqual([""]);
      expect(answer.body.errors[0].detail).toBe("Must be an object.");
    }
  });

  it("answers 422 to a field that it does not know, and points to it", async () => {
    const before = await rowCounts();
    const answer = await ask(operation, { body: { ...example, "no/such~field": 1 } });
    expect(refusalOf(answer)).toBe("422 validation-failed");
    expect(pointersOf(answer)).toEqual(["/no~1such~0field"]);
    expect(await rowCounts()).toEqual(before);
  });

  it("answers 415 to another media type", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""]) {
      const answer = await ask(operation, { headers: { "content-type": type } });
      expect([type, refusalOf(answer)]).toEqual([type, "415 media-type-unsupported"]);
    }
  });

  it("takes JSON whatever its parameters and the case of its name", async () => {
    const { status } = await ask(operation, { headers: { "content-type": "Application/JSON; charset=utf-8" } });
    expect(status).not.toBe(415);
  });

  it("answers 413 to a body over its limit, whatever else is wrong with it", async () => {
    const limit = LARGER_BODIES[operationId] ?? MIB;
    const before = await rowCounts();
    const over = JSON.stringify({ x: "x".repeat(Math.max(2 * MIB, limit)) });
    expect(refusalOf(await ask(operation, { body: over }))).toBe("413 body-too-large");
    const broken = await ask(operation, { body: "{".repeat(limit + 1), headers: { "content-type": "text/plain" } });
    expect(refusalOf(broken)).toBe("413 body-too-large");
    expect(await rowCounts()).toEqual(before);
  });
});

describe.each(bodies.filter(({ required }) => required.length > 0))("$operationId", (body) => {
  it("answers 422 without a field that it needs, and points to it", async () => {
    for (const field of body.required) {
      const { [field]: _, ...rest } = body.example;
      const answer = await ask(body.operation, { body: rest });
      expect([field, refusalOf(answer)]).toEqual([field, "422 validation-failed"]);
      expect(pointersOf(answer)).toEqual([`/${field}`]);
      expect(answer.body.errors[0].detail).toMatch(/^This field is required: give .+\.$|^Must be one of: .+\.$/);
    }
  });
});
