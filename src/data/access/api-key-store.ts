import { and, eq, getTableColumns, gt, isNull, or } from "drizzle-orm";
import type { ApiKey } from "../../domain/access/api-key";
import type { Page, PageRequest } from "../../domain/page";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { after, newestFirst, toPage } from "../database/page";
import { apiKeys } from "../schema/core";

const { secretHash: _secretHash, ...apiKeyColumns } = getTableColumns(apiKeys);

/** A key with the SHA-256 of its secret, in hex. Stays between the store and the check of a key. */
export interface HashedApiKey extends ApiKey {
  readonly secretHash: string;
}

/** @param key under an id that was made for this call alone. */
export function insertApiKey(db: Database, key: Omit<HashedApiKey, "createdAtMs">): Promise<ApiKey> {
  return db
    .insert(apiKeys)
    .values({ ...key, createdAtMs: nowMs(db) })
    .returning(apiKeyColumns)
    .get();
}

/** Finds no key that is past its end. Names no namespace: the key tells in which one its bearer acts. */
export async function findHashedApiKey(db: Database, id: string): Promise<HashedApiKey | undefined> {
  const isValid = or(isNull(apiKeys.expiresAtMs), gt(apiKeys.expiresAtMs, nowMs(db)));
  const [row] = await db
    .select()
    .from(apiKeys)
    .where(and(eq(apiKeys.id, id), isValid));
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
