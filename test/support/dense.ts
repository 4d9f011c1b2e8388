import { createExecutionContext } from "cloudflare:test";
import { vi } from "vitest";
import { openServices } from "../../src/runtime/composition";
import type { Services } from "../../src/services/context";
import worker from "../../src/worker";
import { type Answer, answerOf, requestOf } from "./api";
import { envWith } from "./env-with";
import { withFaults } from "./faulty-bindings";
import { newTenant } from "./nouns";
import { EMBEDDER_DIMENSIONS, type ScriptedEmbedder } from "./scripted-embedder";

const DENSE = {
  EMBEDDER: "openai-compatible",
  EMBEDDER_BASE_URL: "http://embedder.test/v1",
  EMBEDDER_NAME: "scripted-embedder",
  EMBEDDER_DIMENSIONS: String(EMBEDDER_DIMENSIONS),
  EMBEDDER_TIMEOUT_SECONDS: "5",
};

export interface DenseWorker {
  readonly env: Env;
  readonly services: () => Services;
  readonly call: (method: string, path: string, body?: unknown, key?: string) => Promise<Answer>;
}

/** The Worker with an embedder of texts, whose HTTP calls the scripted one answers; and with other variables or bindings. */
export function denseWorker(server: ScriptedEmbedder, bindings: object = {}): DenseWorker {
  vi.stubGlobal("fetch", server.fetch);
  const own = withFaults(envWith({ ...DENSE, ...bindings }));
  return {
    env: own,
    services: () => openServices(own),
    call: async (method, path, body, key) => {
      const request = requestOf(method, path, { body, ...(key !== undefined && { key }) });
      return answerOf(await worker.fetch(request, own, createExecutionContext()));
    },
  };
}

/** A tenant with one collection, seen through such a Worker. */
export async function denseCase({ call, ...rest }: DenseWorker, memories: readonly (string | object)[] = []) {
  const { key, namespaceId } = await newTenant();
  const made = await call("PUT", "/v1/collections", { name: "Summers at the harbour" }, key);
  const collectionId: string = made.body.collection_id;
  const path = `/v1/collections/${collectionId}`;
  const add = async (...given: readonly (string | object)[]): Promise<Answer> => {
    const body = { memories: given.map((each) => (typeof each === "string" ? { text: each } : each)) };
    return call("PUT", `${path}/memories`, body, key);
  };
  const search = async (query: string, more: object = {}): Promise<any> =>
    (await call("POST", `${path}/search`, { query, ...more }, key)).body;
  if (memories.length > 0) await add(...memories);
  return {
    ...rest,
    key,
    namespaceId,
    collectionId,
    add,
    search,
    call: (method: string, at: string, body?: unknown) => call(method, at, body, key),
    /** The texts that a search finds, the best first. */
    found: async (query: string, more: object = {}): Promise<string[]> => {
      const { all_memories } = await search(query, more);
      return all_memories.map(({ memory }: { memory: { text: string } }) => memory.text);
    },
    embedder: async (): Promise<any> => (await call("GET", path, undefined, key)).body.embedder,
  };
}

export type DenseCase = Awaited<ReturnType<typeof denseCase>>;
