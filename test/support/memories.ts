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
    add: (...memories: unknown[]) => addMemories(key, collectionId, memories),
    get: async (id: string | null | undefined) => (await call("GET", `${path}/${id}`, { key })).body,
    list: async (query = "") => (await call("GET", `${path}?limit=100${query}`, { key })).body.items,
    count: async () => (await call("GET", `/v1/collections/${collectionId}`, { key })).body.memory_count,
  };
}

export const many = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ text: `memory ${i}`, external_id: `${i}` }));
