import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { openDatabase } from "../../src/data/database/database";
import { memories } from "../../src/data/schema/core";
import { newId } from "../../src/domain/ids";
import { DEFAULT_MEMORY_SETTINGS, type MemorySettings } from "../../src/domain/recall/memory-settings";
import { openServices } from "../../src/runtime/composition";
import { recallForMemories, type RecalledMemory } from "../../src/services/recall/recall-for-memories";
import { ensureCollection, type Place } from "./memories";

export const NOW_MS = Date.UTC(2026, 10, 1);
const db = openDatabase(env.DB);

export type Row = typeof memories.$inferInsert;
type Given = Partial<Row> & { readonly text: string };
export const textsOf = (recalled: readonly RecalledMemory[]) => recalled.map(({ text }) => text);
export const dayMs = (daysAgo: number) => NOW_MS - daysAgo * 86_400_000;
export const rowsAt = ({ collectionId }: Place) =>
  db.select().from(memories).where(eq(memories.collectionId, collectionId));
export const removal = (row: Row) => db.update(memories).set({ deletedAtMs: 1 }).where(eq(memories.id, row.id));

/** Stores memories with these texts and answers their rows. */
export async function remember(
  place: Place,
  first: Given | string,
  ...rest: (Given | string)[]
): Promise<[Row, ...Row[]]> {
  const rowOf = (given: Given | string): Row => ({
    type: "observation",
    importance: 5,
    accessCount: 0,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    metadata: {},
    childMemoryIds: [],
    ...place,
    id: newId("memory"),
    ...(typeof given === "string" ? { text: given } : given),
  });
  const rows: [Row, ...Row[]] = [rowOf(first), ...rest.map(rowOf)];
  await ensureCollection(place);
  await db.batch([db.insert(memories).values(rows[0]), ...rows.slice(1).map((row) => db.insert(memories).values(row))]);
  return rows;
}

type Groups = readonly { readonly collectionIds: readonly string[]; readonly settings?: Partial<MemorySettings> }[];

export function recallAll(rows: readonly Row[], groups: Groups, database = db): Promise<RecalledMemory[][][]> {
  return recallForMemories(
    { ...openServices(env), db: database },
    {
      namespaceId: rows[0]?.namespaceId ?? "",
      nowMs: NOW_MS,
      memories: rows,
      groups: groups.map((group) => ({ ...group, settings: { ...DEFAULT_MEMORY_SETTINGS, ...group.settings } })),
    },
  );
}

/** Recalls for one stored memory from its own collection. */
export async function recallFor(row: Row, settings: Partial<MemorySettings> = {}): Promise<RecalledMemory[]> {
  const recalled = await recallAll([row], [{ collectionIds: [row.collectionId], settings }]);
  return recalled.flat(2);
}
