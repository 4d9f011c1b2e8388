import { env } from "cloudflare:workers";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Answer, call } from "../../support/api";
import { idsOf, newCase, storedRows } from "../../support/memories";

type Case = Awaited<ReturnType<typeof newCase>>;

/** What a client may do with a collection's memories. `which` chooses among those it has seen. */
type Act =
  | { readonly kind: "add"; readonly memories: readonly object[] }
  | { readonly kind: "update"; readonly which: number; readonly body: object }
  | { readonly kind: "delete"; readonly which: number; readonly query: string }
  | { readonly kind: "undelete"; readonly which: number }
  | { readonly kind: "truncate"; readonly query: string };

const text = fc.constantFrom("a", "b", "c", "d");
const externalId = fc.constantFrom("1", "2", null);
const which = fc.nat({ max: 30 });
const query = fc.constantFrom("", "?hard=true", "?dry_run=true", "?hard=true&dry_run=true");
const memory = fc.record({ text, external_id: externalId }, { requiredKeys: ["text"] });

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("add" as const),
      memories: fc.array(memory, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("update" as const),
      which,
      body: fc.record({ text, external_id: externalId }, { requiredKeys: [] }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("delete" as const), which, query }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("undelete" as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("truncate" as const), query }) },
);

async function play(own: Case, given: Act, seen: string[]): Promise<Answer> {
  if (given.kind === "truncate") return call("DELETE", `${own.path}${given.query}`, { key: own.key });
  if (given.kind === "add") {
    const answer = await own.add(...given.memories);
    // Of an add that is refused as a whole there is nothing to see.
    if (answer.status < 400) seen.push(...idsOf(answer).flatMap((id) => id ?? []));
    return answer;
  }
  const id = seen[given.which % Math.max(1, seen.length)] ?? "none-yet";
  if (given.kind === "update") return own.patch(id, given.body);
  return given.kind === "delete" ? own.remove(id, given.query) : own.undelete(id);
}

/** What must hold at any moment. */
async function judge(own: Case): Promise<void> {
  const live: readonly { external_id: string | null; text: string }[] = await own.list();
  expect(await own.count()).toBe(live.length);
  const keys = live.map(({ external_id, text }) => (external_id === null ? `text ${text}` : `id ${external_id}`));
  expect(new Set(keys).size).toBe(keys.length);
  const all: readonly unknown[] = await own.list("&include_deleted=true");
  expect(all).toHaveLength(await storedRows(own.collectionId));
  const words = env.DB.prepare("SELECT count(*) AS n FROM memory_words WHERE memory_words MATCH ?");
  const scope = `scope : "${own.collectionId.slice("collection_".length)}"`;
  expect(await words.bind(scope).first("n")).toBe(live.length);
}

const EXPECTED: ReadonlySet<number> = new Set([200, 201, 204, 404, 409, 410]);

describe("the memories of a collection", () => {
  it("are counted exactly, none twice, and none with another's external id, after any sequence of changes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 25 }), async (acts) => {
        const own = await newCase();
        const seen: string[] = [];
        for (const each of acts) {
          const { status } = await play(own, each, seen);
          expect([each.kind, status, EXPECTED.has(status)]).toEqual([each.kind, status, true]);
          await judge(own);
        }
      }),
      { numRuns: 12 },
    );
  });

  it("are so too when several changes come at once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(act, { minLength: 2, maxLength: 5 }), { maxLength: 6 }), async (rounds) => {
        const own = await newCase();
        const seen: string[] = [];
        await own.add({ text: "a" }, { text: "b", external_id: "1" }, { text: "c", external_id: "2" });
        for (const acts of rounds) {
          const statuses = (await Promise.all(acts.map((each) => play(own, each, seen)))).map(({ status }) => status);
          expect(statuses.filter((status) => !EXPECTED.has(status))).toEqual([]);
          await judge(own);
        }
      }),
      { numRuns: 12 },
    );
  });
});
