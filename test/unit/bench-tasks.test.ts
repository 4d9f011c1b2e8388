import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { costOfMillion, PRICES, totalDollars, type Used } from "../../scripts/bench/tasks/costs.ts";
import { placeOf, rowsWritten, type Statement, sum, tripsByPurpose } from "../../scripts/bench/tasks/counts.ts";

const NO_EVENTS = { status: 0, end: 0, progress: 0, item: 0 };

function statement(sql: string, figures: Partial<Statement> = {}): Statement {
  return { sql, trips: 1, calls: 1, rowsRead: 0, rowsWritten: 0, values: 0, ...figures };
}

function used(some: Partial<Used>): Used {
  return { ...(Object.fromEntries(Object.keys(PRICES).map((item) => [item, 0])) as Used), ...some };
}

describe("bench:tasks: the cost of a million memories", () => {
  it("is what each memory uses, at the price of a million", () => {
    const [first] = costOfMillion(used({ d1_rows_written: 12_000, queue_operations: 200 }), 1_000);
    expect(first).toEqual({ item: "d1_rows_written", per_memory: 12, price: 1, dollars: 12 });
  });

  it("adds up to the total, the dearest first", () => {
    const amounts = fc.record(Object.fromEntries(Object.keys(PRICES).map((item) => [item, fc.nat(10_000_000)])));
    fc.assert(
      fc.property(amounts, fc.integer({ min: 1, max: 100_000 }), (some, memories) => {
        const lines = costOfMillion(used(some), memories);
        const dollars = lines.map((line) => line.dollars);
        expect(dollars).toEqual(dollars.toSorted((a, b) => b - a));
        expect(totalDollars(lines)).toBeCloseTo(sum(dollars), 6);
        expect(lines).toHaveLength(Object.keys(PRICES).length);
      }),
    );
  });
});

describe("bench:tasks: what rows are written for", () => {
  it("names the table that a statement writes, behind a WITH too", () => {
    expect(placeOf("INSERT INTO memories (id) SELECT id FROM json_each(?1)")).toBe("add memories");
    expect(placeOf('insert or ignore into "tasks" (id) values (?)')).toBe("add tasks");
    expect(placeOf("WITH one AS (SELECT 1 FROM tasks) UPDATE task_parts SET status = 'done'")).toBe(
      "change task_parts",
    );
    expect(placeOf("DELETE FROM `held_ids` WHERE until_ms < ?")).toBe("remove held_ids");
  });

  it("names the table that a statement reads, which is not its list of parameters", () => {
    expect(placeOf("SELECT 1 FROM json_each(?1) JOIN memories ON true")).toBe("read memories");
    expect(placeOf("SELECT updated_at_ms FROM tasks")).toBe("read tasks");
    expect(placeOf("SELECT 1")).toBe("read nothing");
  });

  it("takes what triggers wrote out of the statement that fired them, and bills the words of a memory three times", () => {
    // A memory with its three indexes, its words, and the count of its collection's texts.
    const statements = [
      statement("INSERT INTO memories", { rowsWritten: 60 }),
      statement("UPDATE task_parts", { rowsWritten: 5 }),
      statement("UPDATE tasks", { rowsWritten: 4 }),
    ];
    const written = rowsWritten(statements, { memories: 10, events: { ...NO_EVENTS, progress: 3, status: 1, end: 1 } });
    expect(Object.fromEntries(written.map(({ what, rows }) => [what, rows]))).toEqual({
      "add memories, with their indexes": 40,
      "words of memories, to find them by (FTS5)": 30,
      "counts of a collection's texts (trigger)": 10,
      "events: progress (trigger)": 3,
      "change task_parts": 2,
      "change tasks": 2,
      "events: status (trigger)": 1,
      "events: end (trigger)": 1,
    });
    // Nothing is lost: it is what was counted, and two more rows for the words of each memory.
    expect(sum(written.map(({ rows }) => rows))).toBe(69 + 2 * 10);
  });

  it("counts a round trip for its first statement alone", () => {
    const trips = tripsByPurpose([
      statement("INSERT INTO memories", { trips: 4, calls: 4 }),
      statement("UPDATE task_parts", { trips: 0, calls: 4 }),
      statement("SELECT 1 FROM tasks", { trips: 5, calls: 5, rowsRead: 5 }),
    ]);
    expect(trips.map(({ what, rows }) => [what, rows])).toEqual([
      ["read tasks", 5],
      ["add memories", 4],
      ["change task_parts", 0],
    ]);
  });
});
