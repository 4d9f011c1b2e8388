import { randomBytes } from "node:crypto";

import { z } from "zod";

import { CollectionAnswer } from "../demo/answers.ts";
import { BenchFault } from "./bench-fault.ts";
import type { Texts } from "./recall-texts.ts";
import type { Runtime } from "./runtime.ts";
import { HEADERS } from "./scene.ts";

const SLICE_ROWS = 2_000;
const Counted = z.object({ count: z.number() });

/** Makes a collection with so many memories: by SQL, for the rows are what an addition writes. @returns its id. */
export async function fillCollection(
  runtime: Runtime,
  memories: number,
  texts: Texts,
  onSlice: (rows: number) => void,
): Promise<string> {
  const answer = await fetch(`${runtime.address}/v1/collections`, {
    method: "PUT",
    headers: HEADERS,
    body: JSON.stringify({ name: `${memories} memories` }),
  });
  if (!answer.ok) throw new BenchFault(`PUT /v1/collections was answered ${answer.status}: ${await answer.text()}`);
  const { collection_id: id } = CollectionAnswer.parse(await answer.json());
  const db = await runtime.database();
  for (let there = 0; there < memories; there += SLICE_ROWS) {
    const slice = Array.from({ length: Math.min(SLICE_ROWS, memories - there) }, () => ({
      id: `memory_${randomBytes(16).toString("hex")}`,
      text: texts.memory(),
    }));
    await db
      .prepare(
        `INSERT INTO memories (id, namespace_id, collection_id, text, type, importance, metadata, created_at_ms,
           updated_at_ms, access_count, child_memory_ids, same_key)
         SELECT value ->> 'id', namespace_id, collections.id, value ->> 'text', 'observation', 5, '{}', created_at_ms,
           created_at_ms, 0, '[]', value ->> 'id'
         FROM json_each(?1), collections WHERE collections.id = ?2`,
      )
      .bind(JSON.stringify(slice), id)
      .run();
    onSlice(there + slice.length);
  }
  const count = "(SELECT count(*) FROM memories WHERE collection_id = ?1)";
  await db.prepare(`UPDATE collections SET memory_count = ${count} WHERE id = ?1`).bind(id).run();
  const [row] = z.array(Counted).parse((await db.prepare(`SELECT ${count} AS count`).bind(id).all()).results);
  if (row?.count !== memories) throw new BenchFault(`${memories} memories were written, and ${row?.count} are there.`);
  return id;
}
