import { randomUUID } from "node:crypto";

import { z } from "zod";

import { startRuntime, type BenchWorker, type Runtime } from "./runtime.ts";
import { createFirst, type Scene } from "./scene.ts";

const SLICE_ROWS = 20_000;
/** The rows lie this far apart in time: a million fills the three months that ended tasks are kept. */
const APART_MS = 7_776;
/** Far longer than the rows are old. */
const NOT_DUE_MS = 31_536_000_000;
const DUE_ROWS = 100;

type Database = Awaited<ReturnType<Runtime["database"]>>;
const Named = z.object({ name: z.string() });

/**
 * Fills `tasks` below `stateDir`, by SQL: copies of a real row, each with ids and times of its own. Ids are random, as
 * those of real tasks are. Half of them have ended; the others are open and not due, but for a page that is.
 * @param onSlice is told how many rows are there.
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
    const indexes = await touchedIndexes(db);
    const insert = await copyStatement(db);
    for (let there = 1; there < rows; there += SLICE_ROWS) {
      const slice = Math.min(SLICE_ROWS, rows - there);
      await db.prepare(insert).bind(slice, there).run();
      onSlice(there + slice);
    }
    await db.prepare(await dueStatement(db)).run();
    return indexes;
  } finally {
    await runtime.stop();
  }
}

/** Parameters: how many rows, and how many there are already. */
async function copyStatement(db: Database): Promise<string> {
  const columns = await list(db, "SELECT name FROM pragma_table_info('tasks')", Named);
  const at = `t.created_at_ms - (?2 + n.i) * ${APART_MS}`;
  const own: Readonly<Record<string, string>> = {
    id: "'task_' || lower(hex(randomblob(16)))",
    request_id: "lower(hex(randomblob(16)))",
    fingerprint: "lower(hex(randomblob(32)))",
    status: "iif(n.i % 2, 'complete', 'running')",
    created_at_ms: at,
    started_at_ms: at,
    updated_at_ms: at,
    ring_at_ms: `${at} + ${NOT_DUE_MS}`,
    ended_at_ms: `iif(n.i % 2, ${at}, NULL)`,
  };
  const names = columns.map(({ name }) => name);
  return `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1)
    INSERT INTO tasks (${names.join(", ")})
    SELECT ${names.map((name) => own[name] ?? `t.${name}`).join(", ")}
    FROM n, (SELECT * FROM tasks WHERE ended_at_ms IS NULL LIMIT 1) AS t`;
}

/** As many tasks as a page of the sweeper has, by ids that can be told apart. */
async function dueStatement(db: Database): Promise<string> {
  const columns = await list(db, "SELECT name FROM pragma_table_info('tasks')", Named);
  const own: Readonly<Record<string, string>> = { id: "'due_' || n.i", request_id: "'due-' || n.i", ring_at_ms: "1" };
  const names = columns.map(({ name }) => name);
  return `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${DUE_ROWS})
    INSERT INTO tasks (${names.join(", ")})
    SELECT ${names.map((name) => own[name] ?? `t.${name}`).join(", ")}
    FROM n, (SELECT * FROM tasks WHERE ended_at_ms IS NULL LIMIT 1) AS t`;
}

const Index = z.object({ name: z.string(), origin: z.string(), partial: z.number(), sql: z.string().nullable() });
const Counted = z.object({ count: z.number() });

/** Every index of `tasks` in which the row of a new task stands; to be asked while that is the only row. */
async function touchedIndexes(db: Database): Promise<readonly string[]> {
  const [own] = await list(db, "SELECT sql AS name FROM sqlite_master WHERE name = 'tasks'", Named);
  const withoutRowId = /without\s+rowid/i.test(own?.name ?? "");
  const indexes = await list(
    db,
    `SELECT l.name, l.origin, l.partial, m.sql FROM pragma_index_list('tasks') l
     LEFT JOIN sqlite_master m ON m.type = 'index' AND m.name = l.name ORDER BY l.seq DESC`,
    Index,
  );
  const touched: string[] = [];
  for (const { name, origin, partial, sql } of indexes) {
    // Such a table is its own index.
    if (origin === "pk" && withoutRowId) continue;
    const condition = partial === 1 ? /\bwhere\b([\s\S]*)$/i.exec(sql ?? "")?.[1] : "1";
    const [found] = await list(db, `SELECT count(*) AS count FROM tasks WHERE ${condition ?? "1"}`, Counted);
    if ((found?.count ?? 0) > 0) touched.push(name);
  }
  return touched;
}

async function list<T>(db: Database, sql: string, schema: z.ZodType<T>): Promise<readonly T[]> {
  return z.array(schema).parse((await db.prepare(sql).all()).results);
}
