import { env } from "cloudflare:workers";
import { newId } from "../../src/domain/ids";
import { type Answer, call } from "./api";
import { addMemories, newCollection, newTenant } from "./nouns";

export interface Result {
  readonly index: number;
  readonly verdict: "created" | "updated" | "skipped" | "refused";
  readonly memory_id: string | null;
  readonly problem: { readonly code: string; readonly errors: readonly { readonly pointer: string }[] } | null;
}

export const resultsOf = ({ body }: Answer): readonly Result[] => body.results;
export const verdictsOf = (answer: Answer) => resultsOf(answer).map(({ verdict }) => verdict);
export const idsOf = (answer: Answer) => resultsOf(answer).map((result) => result.memory_id);

/** A tenant with one collection, and what the tests do with it. */
export async function newCase() {
  const { key } = await newTenant();
  const collectionId: string = (await newCollection(key)).collection_id;
  const path = `/v1/collections/${collectionId}/memories`;
  return {
    key,
    collectionId,
    path,
    add: (...memories: unknown[]) => addMemories(key, collectionId, memories),
    patch: (id: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
      call("PATCH", `${path}/${id}`, { key, body, headers }),
    remove: (id: string, query = "") => call("DELETE", `${path}/${id}${query}`, { key }),
    undelete: (id: string) => call("PATCH", `${path}/${id}/undelete`, { key }),
    /** Adds one memory, and gives its id. */
    one: async (memory: unknown) => String(idsOf(await addMemories(key, collectionId, [memory]))[0]),
    get: async (id: string | null | undefined) => (await call("GET", `${path}/${id}`, { key })).body,
    list: async (query = "") => (await call("GET", `${path}?limit=100${query}`, { key })).body.items,
    count: async () => (await call("GET", `/v1/collections/${collectionId}`, { key })).body.memory_count,
  };
}

export const many = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ text: `memory ${i}`, external_id: `${i}` }));

/** Puts many plain memories into a collection, past the API: with it they would take too long. */
export async function fillCollection(collectionId: string, count: number): Promise<void> {
  const fill = env.DB.prepare(
    `INSERT INTO memories (id, namespace_id, collection_id, text, type, importance, metadata, created_at_ms,
       updated_at_ms, access_count, child_memory_ids, same_key)
     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
     SELECT 'memory_' || lower(hex(randomblob(16))), collections.namespace_id, collections.id, 'plain ' || i,
       'observation', 5, '{}', 1000 + i / 7, 1000, 0, '[]', 'h:' || lower(hex(randomblob(32)))
     FROM n JOIN collections ON collections.id = ?1`,
  );
  const counting = env.DB.prepare("UPDATE collections SET memory_count = memory_count + ?2 WHERE id = ?1");
  await env.DB.batch([fill.bind(collectionId, count), counting.bind(collectionId, count)]);
}

/** How many rows a collection has, deleted ones too. */
export async function storedRows(collectionId: string): Promise<number> {
  const query = env.DB.prepare("SELECT count(*) AS n FROM memories WHERE collection_id = ?").bind(collectionId);
  return Number(await query.first("n"));
}

/** How many entries of the word index a word has in a collection. */
export async function wordHits(collectionId: string, word: string): Promise<number> {
  const query = env.DB.prepare("SELECT count(*) AS n FROM memory_words WHERE memory_words MATCH ?");
  const match = `scope : "${collectionId.slice("collection_".length)}" AND words : ${word}`;
  return Number(await query.bind(match).first("n"));
}

/** Where the memories of a collection are that a test makes past the API. */
export interface Place {
  readonly namespaceId: string;
  readonly collectionId: string;
}

export function newPlace(namespaceId = newId("namespace")): Place {
  return { namespaceId, collectionId: newId("collection") };
}

/** The collection of a place, made unless it is there. */
export async function ensureCollection({ namespaceId, collectionId }: Place): Promise<void> {
  const insert = env.DB.prepare(
    `INSERT INTO collections (id, namespace_id, name, metadata, memory_count, version, created_at_ms, updated_at_ms)
     VALUES (?, ?, 'life', '{}', 0, 1, 1, 1) ON CONFLICT (id) DO NOTHING`,
  );
  await insert.bind(collectionId, namespaceId).run();
}
