import { beforeEach, describe, expect, it } from "vitest";
import { call } from "../../support/api";
import { imported, ndjson, newEmpty } from "../../support/collection-files";
import { resetFaults } from "../../support/faults";
import { endOf } from "../../support/scene";

beforeEach(() => resetFaults());

const countOf = async (id: string) => (await call("GET", `/v1/collections/${id}`)).body.memory_count;

describe("collection-import of lines that are broken", () => {
  it("stops at a line that is broken, names it, and keeps what comes before it", async () => {
    const id = await newEmpty();
    const lines = Array.from({ length: 249 }, (_, i) => ({ text: `memory ${i}` }));
    const task = await imported(id, ndjson(...lines, "{broken", { text: "after" }));
    expect(task).toMatchObject({
      status: "error",
      error: { code: "line-invalid", detail: expect.stringContaining("Line 250: ") },
      result: { created: 249, refused: 1, errors: [{ line: 250, detail: expect.any(String) }] },
      progress: { done: 249, failed: 1, total: 251 },
    });
    expect(await countOf(id)).toBe(249);
  });

  it("tries the broken line again when it is invoked, and counts it once", async () => {
    const id = await newEmpty();
    const { task_id, result } = await imported(id, ndjson({ text: "a" }, "?", { text: "b" }));
    await call("PATCH", `/v1/checkmate/tasks/${task_id}/invoke`);
    const again = await endOf(task_id);
    expect(again).toMatchObject({ status: "error", result, progress: { done: 1, failed: 1 } });
    expect(await countOf(id)).toBe(1);
  });

  it("skips broken lines where that is asked for, and names the first hundred", async () => {
    const id = await newEmpty();
    const lines = Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? "[]" : { text: `memory ${i}` }));
    const { result, status, progress } = await imported(id, ndjson(...lines), { query: "?on_error=skip" });
    expect(status).toBe("complete");
    expect(result).toMatchObject({ created: 200, refused: 200 });
    expect(result.errors.map(({ line }: any) => line)).toEqual(Array.from({ length: 100 }, (_, i) => 2 * i + 1));
    expect(progress).toMatchObject({ done: 200, failed: 200, total: 400 });
  });

  it("keeps a bounded text of each fault, however long a key is that it names", async () => {
    const id = await newEmpty();
    const { result } = await imported(id, ndjson({ text: "a", ["k".repeat(200_000)]: 1 }), { query: "?on_error=skip" });
    expect(result.refused).toBe(1);
    expect(result.errors[0].detail.length).toBeLessThan(400);
  });

  it.each([
    ["no JSON", "{", /not valid JSON/],
    ["no object", "[1]", /The line: /],
    ["without a text", "{}", /text: /],
    ["of a wrong type", '{"text":1}', /text: /],
    ["with a key that stands twice", '{"text":"a","text":"b"}', /stands twice/],
    ["with U\\+0000", '{"text":"a\\u0000b"}', /U\+0000/],
    ["with half of a surrogate pair", '{"text":"\\ud800"}', /surrogate/],
    ["too deep", `{"text":"a","metadata":{"a":${"[".repeat(40)}${"]".repeat(40)}}}`, /nested/],
    ["with a field that is not known", '{"text":"a","txet":"b"}', /txet/],
    ["with an importance out of range", '{"text":"a","importance":11}', /importance: /],
    ["with a time that is none", '{"text":"a","created_at":"yesterday"}', /created_at: /],
    ["with an id that is none", '{"text":"a","memory_id":"17"}', /memory_id: /],
    ["of an unknown agent", '{"text":"a","agent_id":"agent_0"}', /agent_id: /],
    ["about a collection, amidst", '{"type":"collection","format":1}', /first/],
    ["of a deleted memory", '{"text":"a","deleted":true}', /deleted: /],
    ["too long", JSON.stringify({ text: "a", memo: "x".repeat(1_100_000) }), /too long/],
    ["too long by far", JSON.stringify({ text: "a", memo: "x".repeat(4_000_000) }), /too long/],
  ])("refuses a line %s, and takes the lines around it", async (_, line, detail) => {
    const id = await newEmpty();
    const { result } = await imported(id, ndjson({ text: "before" }, line, { text: "after" }), {
      query: "?on_error=skip",
    });
    expect(result).toMatchObject({ created: 2, refused: 1, errors: [{ line: 2 }] });
    expect(result.errors[0].detail).toMatch(detail);
  });

  it("refuses a line that is not UTF-8", async () => {
    const bytes = new Uint8Array([...new TextEncoder().encode('{"text":"'), 0xff, ...new TextEncoder().encode('"}\n')]);
    const { result } = await imported(await newEmpty(), bytes, { query: "?on_error=skip" });
    expect(result).toMatchObject({ refused: 1, errors: [{ line: 1, detail: expect.stringContaining("UTF-8") }] });
  });

  it("refuses a file of another version", async () => {
    const { error } = await imported(await newEmpty(), ndjson({ type: "collection", format: 2 }, { text: "a" }));
    expect(error).toMatchObject({ code: "line-invalid", detail: expect.stringContaining("format: must be 1") });
  });
});
