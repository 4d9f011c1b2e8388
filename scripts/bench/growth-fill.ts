import { randomBytes, randomUUID } from "node:crypto";

import { z } from "zod";

import { startRuntime, type BenchWorker, type Runtime } from "./runtime.ts";
import { createFirst, type Scene } from "./scene.ts";

const SLICE_ROWS = 20_000;
/** The rows lie this far apart in time: a million fills the three months that ended tasks are kept. */
const APART_MS = 7_776;
/** Far longer than the rows are old. */
const NOT_DUE_MS = 31_536_000_000;
const DUE_ROWS = 100;
/** A creation writes a row into each. */
const TABLES = ["requests", "tasks"] as const;

type Table = (typeof TABLES)[number];
type Database = Awaited<ReturnType<Runtime["database"]>>;
const Named = z.object({ name: z.string() });

/**
 * Fills `requests` and `tasks` below `stateDir`, by SQL: copies of the rows of a real creation, each with ids and times of
 * its own. Ids are random, as those of real tasks are. Half of the tasks have ended; the others are open and not due, but
 * for a page that is.
 * @param onSlice is told how many tasks are there.
 * @returns the names of the indexes that a creation touches.
 */
export async function fillTasks(
  worker: BenchWorker,
  stateDir: string,
  scene: Scene,
  rows: number,
  onSlice: (rows: number) => void,
): Promise<readonly string[]> {
  const runtime = await startRuntime(worker, stateDir);
  try {
    await createFirst(runtime.address, randomUUID(), JSON.stringify(scene.batch));
    const db = await runtime.database();
    const [first] = await list(db, "SELECT id AS name FROM tasks", Named);
    const model = first?.name ?? "";
    const indexes = (await Promise.all(TABLES.map((table) => touchedIndexes(db, table, model)))).flat();
    const copies = await Promise.all(TABLES.map((table) => copyStatement(db, table, OWN[table])));
    const copy = (ids: readonly string[], statements: readonly string[], there: number) =>
      db.batch(statements.map((each) => db.prepare(each).bind(JSON.stringify(ids), there, model)));
    for (let there = 1; there < rows; there += SLICE_ROWS) {
      const slice = Math.min(SLICE_ROWS, rows - there);
      await copy(randomIds(slice), copies, there);
      onSlice(there + slice);
    }
    const due = await Promise.all(TABLES.map((table) => copyStatement(db, table, OWN_OF_DUE[table])));
    await copy(
      Array.from({ length: DUE_ROWS }, (_, index) => `due_${index}`),
      due,
      0,
    );
    return indexes;
  } finally {
    await runtime.stop();
  }
}

function randomIds(count: number): readonly string[] {
  return Array.from({ length: count }, () => `task_${randomBytes(16).toString("hex")}`);
}

/** What differs from the row that is copied, by column: `n` is an id with its place, `t` that row. */
type Own = Readonly<Record<string, string>>;

const ID: Own = { id: "n.value", request_id: "substr(n.value, instr(n.value, '_') + 1)" };
const at = (column: string): string => `t.${column} - (?2 + n.key) * ${APART_MS}`;
const OWN: Readonly<Record<Table, Own>> = {
  requests: {
    ...ID,
    fingerprint: "lower(hex(randomblob(32)))",
    call_id: "lower(hex(randomblob(16)))",
    first_seen_at_ms: at("first_seen_at_ms"),
    last_seen_at_ms: at("first_seen_at_ms"),
  },
  tasks: {
    ...ID,
    status: "iif(n.key % 2, 'complete', 'running')",
    created_at_ms: at("created_at_ms"),
    started_at_ms: at("created_at_ms"),
    updated_at_ms: at("created_at_ms"),
    ring_at_ms: `${at("created_at_ms")} + ${NOT_DUE_MS}`,
    ended_at_ms: `iif(n.key % 2, ${at("created_at_ms")}, NULL)`,
  },
};
/** As many tasks as a page of the sweeper has, by ids that can be told apart. */
const OWN_OF_DUE: Readonly<Record<Table, Own>> = { requests: ID, tasks: { ...ID, ring_at_ms: "1" } };

/** Parameters: ids as a JSON array, how many rows there are already, and the id of the row to copy. */
async function copyStatement(db: Database, table: Table, own: Own): Promise<string> {
  const columns = await list(db, `SELECT name FROM pragma_table_info('${table}')`, Named);
  const names = columns.map(({ name }) => name);
  // Times are random by id. In the order of the ids a slice goes into the table page by page.
  return `INSERT INTO ${table} (${names.join(", ")})
    SELECT ${names.map((name) => own[name] ?? `t.${name}`).join(", ")}
    FROM json_each(?1) AS n, (SELECT * FROM ${table} WHERE id = ?3) AS t ORDER BY n.value`;
}

const Index = z.object({ name: z.string(), origin: z.string(), partial: z.number(), sql: z.string().nullable() });
const Counted = z.object({ count: z.number() });

/** Every index of a table in which the row of an id stands. */
async function touchedIndexes(db: Database, table: Table, id: string): Promise<readonly string[]> {
  const [own] = await list(db, `SELECT sql AS name FROM sqlite_master WHERE name = '${table}'`, Named);
  const withoutRowId = /without\s+rowid/i.test(own?.name ?? "");
  const indexes = await list(
    db,
    `SELECT l.name, l.origin, l.partial, m.sql FROM pragma_index_list('${table}') l
     LEFT JOIN sqlite_master m ON m.type = 'index' AND m.name = l.name ORDER BY l.seq DESC`,
    Index,
  );
  const touched: string[] = [];
  for (const { name, origin, partial, sql } of indexes) {
    // Such a table is its own index.
    if (origin === "pk" && withoutRowId) continue;
    const condition = partial === 1 ? /\bwhere\b([\s\S]*)$/i.exec(sql ?? "")?.[1] : "1";
    const count = `SELECT count(*) AS count FROM ${table} WHERE id = '${id}' AND (${condition ?? "1"})`;
    const [found] = await list(db, count, Counted);
    if ((found?.count ?? 0) > 0) touched.push(name);
  }
  return touched;
}

async function list<T>(db: Database, sql: string, schema: z.ZodType<T>): Promise<readonly T[]> {
  return z.array(schema).parse((await db.prepare(sql).all()).results);
}
