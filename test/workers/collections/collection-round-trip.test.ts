import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exported, exportOf, imported, linesOf, ndjson, newEmpty } from "../../support/collection-files";
import { rows } from "../../support/scene";

/** Text that the border lets through. */
const text = (maxLength: number, minLength = 0) =>
  fc.string({ unit: "binary", minLength, maxLength }).map((given) => given.replaceAll("\0", "0"));

const hex = fc.uuid().map((uuid) => uuid.replaceAll("-", ""));
const time = fc.date({ min: new Date(0), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true });
const timestamp = time.map((date) => date.toISOString());
const exact = (_: string, each: unknown) => (Number.isInteger(each) && !Number.isSafeInteger(each) ? 0.5 : each);
const json = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll("\\u0000", "0"), exact));
const metadata = fc.dictionary(
  text(20).filter((key) => key !== "__proto__"),
  json.filter((value) => !JSON.stringify(value).includes("__proto__")),
  { maxKeys: 4 },
);

const memory = fc.record({
  memory_id: hex.map((digits) => `memory_${digits}`),
  text: text(200, 1),
  vector_text: fc.option(text(50)),
  type: fc.constantFrom("observation", "integration"),
  importance: fc.integer({ min: 1, max: 10 }),
  memo: fc.option(text(50)),
  metadata,
  occurred_at: fc.option(timestamp),
  created_at: timestamp,
  accessed_at: fc.option(timestamp),
  access_count: fc.nat(),
  source: fc.option(
    fc.record({ memory_id: hex.map((digits) => `memory_${digits}`), task_id: hex.map((digits) => `task_${digits}`) }),
    { freq: 4 },
  ),
  external_id: fc.option(text(20, 1), { freq: 3 }),
});

/** No two of which are the same memory, with links among them in any direction. */
const memories = fc
  .uniqueArray(memory, { maxLength: 12, selector: ({ memory_id }) => memory_id })
  .map((all) =>
    all.map((each, i) => ({
      ...each,
      text: `${i} ${each.text}`,
      external_id: each.external_id && `${i} ${each.external_id}`,
    })),
  )
  .chain((all) => {
    const ids = all.map(({ memory_id }) => memory_id);
    const links = fc.array(ids.length === 0 ? fc.constant("") : fc.constantFrom(...ids), {
      maxLength: ids.length === 0 ? 0 : 3,
    });
    return fc
      .tuple(...all.map(() => links))
      .map((linked) => all.map((each, i) => ({ ...each, child_memory_ids: linked[i] ?? [] })));
  });

const byId = (list: readonly any[]) => list.toSorted((a, b) => (a.memory_id < b.memory_id ? -1 : 1));
const byText = (list: readonly any[]) => list.toSorted((a, b) => (a.text < b.text ? -1 : 1));

describe("collection-import of an export", () => {
  it(
    "gives what was exported, for any memories: here, in a copy, and again where they were",
    { timeout: 120_000 },
    async () => {
      await fc.assert(
        fc.asyncProperty(memories, async (given) => {
          const [first, second] = [await newEmpty(), await newEmpty()];
          expect((await imported(first, ndjson(...given))).result).toMatchObject({ created: given.length, refused: 0 });
          const original = await exported(first);
          const expected = given.map((each) => ({ ...each, collection_id: first, agent_id: null, deleted: false }));
          expect(byId(original.memories)).toEqual(byId(expected));

          const { body: file } = await exportOf(first);
          expect((await imported(second, file)).result).toMatchObject({ created: given.length, refused: 0 });
          const copy = await exported(second);
          const renamed = new Map(
            byText(original.memories).map((each, i) => [each.memory_id, byText(copy.memories)[i].memory_id]),
          );
          const mapped = original.memories.map((each) => ({
            ...each,
            collection_id: second,
            memory_id: renamed.get(each.memory_id),
            child_memory_ids: each.child_memory_ids.map((id: string) => renamed.get(id)),
          }));
          expect(byId(copy.memories)).toEqual(byId(mapped));

          await rows("DELETE FROM memories WHERE collection_id = ?", first);
          await imported(first, file);
          expect(linesOf((await exportOf(first)).body)).toEqual(original);
          expect((await imported(first, file)).result).toMatchObject({ created: 0, updated: 0, skipped: given.length });
        }),
        { numRuns: 15 },
      );
    },
  );
});
