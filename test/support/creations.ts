import type { Answer } from "./api";
import { call } from "./api";
import { newTenant } from "./nouns";

/** What may be created under a request id. */
export interface Creatable {
  readonly operationId: string;
  readonly noun: "agent" | "collection";
  readonly path: string;
  readonly idOf: (answer: Answer) => string;
}

export const CREATABLES: readonly Creatable[] = [
  { operationId: "agents-create", noun: "agent", path: "/v1/agents", idOf: ({ body }) => body.agent_id },
  {
    operationId: "collections-create",
    noun: "collection",
    path: "/v1/collections",
    idOf: ({ body }) => body.collection_id,
  },
];

/** A tenant that creates one kind of thing. */
export async function newCreator({ path }: Creatable) {
  const { key } = await newTenant();
  return {
    key,
    create: (requestId: string, body: unknown, headers: Readonly<Record<string, string>> = {}) =>
      call("PUT", path, { key, body, headers: { requestId, ...headers } }),
    count: async (): Promise<number> =>
      (await call("GET", `${path}?include_deleted=true&limit=100`, { key })).body.items.length,
  };
}
