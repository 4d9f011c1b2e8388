import { and, eq, getTableColumns } from "drizzle-orm";
import type { ApiKey } from "../../domain/access/api-key";
import type { Page, PageRequest } from "../../domain/page";
import type { Database } from "../database/database";
import { after, newestFirst, toPage } from "../database/page";
import { apiKeys } from "../schema/core";

const { secretHash: _secretHash, ...apiKeyColumns } = getTableColumns(apiKeys);

/** A key with the SHA-256 of its secret, in hex. Stays between the store and the check of a key. */
export interface HashedApiKey extends ApiKey {
  readonly secretHash: string;
}

export async function insertApiKey(db: Database, key: HashedApiKey): Promise<void> {
  await db.insert(apiKeys).values(key);
}

/** Names no namespace: the key tells in which one its bearer acts. */
export async function findHashedApiKey(db: Database, id: string): Promise<HashedApiKey | undefined> {
  const [row] = await db.select().from(apiKeys).where(eq(apiKeys.id, id));
  return row;
}

export async function listApiKeys(db: Database, namespaceId: string, request: PageRequest): Promise<Page<ApiKey>> {
  const rows = await db
    .select(apiKeyColumns)
    .from(apiKeys)
    .where(and(eq(apiKeys.namespaceId, namespaceId), after(request.after, apiKeys.createdAtMs, apiKeys.id)))
    .orderBy(...newestFirst(apiKeys.createdAtMs, apiKeys.id))
    .limit(request.limit + 1);
  return toPage(rows, request);
}

/** Names no namespace: only the admin removes keys, in any of them. @returns false when there is no such key. */
export async function removeApiKey(db: Database, id: string): Promise<boolean> {
  const rows = await db.delete(apiKeys).where(eq(apiKeys.id, id)).returning({ id: apiKeys.id });
  return rows.length === 1;
}
