import { and, eq, getTableColumns, inArray, isNull, sql } from "drizzle-orm";
import type { Memory, MemoryType } from "../../domain/memories/memory";
import type { Page, PageRequest, Position } from "../../domain/page";
import type { Database } from "../database/database";
import { after as afterNewest, newestFirst, toPage } from "../database/page";
import { memories } from "../schema/core";

const {
  seq: _seq,
  namespaceId: _namespaceId,
  updatedAtMs: _updatedAtMs,
  sameKey: _sameKey,
  digest: _digest,
  ...columns
} = getTableColumns(memories);

/** The columns that make a {@link Memory}. */
export const memoryColumns = columns;

export type MemoryRow = Pick<typeof memories.$inferSelect, keyof typeof memoryColumns>;

export function toMemory({ sourceMemoryId, taskId, ...row }: MemoryRow): Memory {
  const source = sourceMemoryId === null || taskId === null ? null : { memoryId: sourceMemoryId, taskId };
  return { ...row, source };
}

/** Finds deleted memories too: `deletedAtMs` tells. */
export async function findMemory(
  db: Database,
  namespaceId: string,
  collectionId: string,
  id: string,
): Promise<Memory | undefined> {
  const [row] = await db
    .select(memoryColumns)
    .from(memories)
    .where(and(eq(memories.namespaceId, namespaceId), eq(memories.collectionId, collectionId), eq(memories.id, id)));
  return row && toMemory(row);
}

/** Which of these memories of a collection exist, deleted ones among them, and when each was deleted. */
export async function findMemoryDeletions(
  db: Database,
  namespaceId: string,
  collectionId: string,
  ids: readonly string[],
): Promise<ReadonlyMap<string, number | null>> {
  const rows = await db
    .select({ id: memories.id, deletedAtMs: memories.deletedAtMs })
    .from(memories)
    .where(
      and(
        eq(memories.namespaceId, namespaceId),
        eq(memories.collectionId, collectionId),
        inArray(memories.id, sql`(SELECT value FROM json_each(${JSON.stringify(ids)}))`),
      ),
    );
  return new Map(rows.map((row) => [row.id, row.deletedAtMs]));
}

/**
 * The memories of a live collection after a position, oldest first by (created_at, id): what does not change while a
 * reader goes on. What is added meanwhile with an earlier created_at is not seen.
 * @returns undefined when the collection is not there, or deleted: what it gave so far is not the whole.
 */
export async function readMemories(
  db: Database,
  namespaceId: string,
  collectionId: string,
  after: Position | null,
  limit: number,
): Promise<readonly Memory[] | undefined> {
  const [stands, rows] = await db.batch([
    db.all<{ stands: number }>(sql`SELECT 1 AS stands FROM collections
      WHERE id = ${collectionId} AND namespace_id = ${namespaceId} AND deleted_at_ms IS NULL`),
    db
      .select(memoryColumns)
      .from(memories)
      .where(
        and(
          eq(memories.namespaceId, namespaceId),
          eq(memories.collectionId, collectionId),
          isNull(memories.deletedAtMs),
          after === null
            ? undefined
            : sql`(${memories.createdAtMs}, ${memories.id}) > (${after.createdAtMs}, ${after.id})`,
        ),
      )
      .orderBy(memories.createdAtMs, memories.id)
      .limit(limit),
  ]);
  return stands.length === 0 ? undefined : rows.map(toMemory);
}

export interface MemoryFilters {
  readonly sourceMemoryId?: string;
  readonly taskId?: string;
  readonly type?: MemoryType;
  readonly includeDeleted: boolean;
}

export async function listMemories(
  db: Database,
  namespaceId: string,
  collectionId: string,
  filters: MemoryFilters,
  request: PageRequest,
): Promise<Page<Memory>> {
  const { sourceMemoryId, taskId, type, includeDeleted } = filters;
  const rows = await db
    .select(memoryColumns)
    .from(memories)
    .where(
      and(
        eq(memories.namespaceId, namespaceId),
        eq(memories.collectionId, collectionId),
        sourceMemoryId === undefined ? undefined : eq(memories.sourceMemoryId, sourceMemoryId),
        taskId === undefined ? undefined : eq(memories.taskId, taskId),
        type === undefined ? undefined : eq(memories.type, type),
        includeDeleted ? undefined : isNull(memories.deletedAtMs),
        afterNewest(request.after, memories.createdAtMs, memories.id),
      ),
    )
    .orderBy(...newestFirst(memories.createdAtMs, memories.id))
    .limit(request.limit + 1);
  return toPage(rows.map(toMemory), request);
}
