import { performance } from "node:perf_hooks";

import { AgentAnswer, CollectionAnswer, MemoriesStoredAnswer } from "./answers.ts";
import type { Client } from "./client.ts";
import { DemoFault } from "./demo-fault.ts";
import type { Emit } from "./events.ts";
import type { InputCollection, InputMemory } from "./input.ts";

/** The API takes 1 to 100 memories a call. */
const CHUNK_SIZE = 100;

export interface DemoAgent {
  readonly agentId: string;
  readonly name: string;
}

interface StoredMemory {
  readonly memoryId: string;
  readonly text: string;
  readonly occurredAt: string | null;
}

export interface StoredCollection {
  readonly collectionId: string;
  readonly name: string;
  readonly memories: readonly StoredMemory[];
}

/** A body as `PUT /v1/agents` takes it; the service checks all of it. */
export interface AgentBody {
  readonly name: string;
  readonly description?: string | null | undefined;
}

export async function createAgent(client: Client, body: AgentBody, emit: Emit): Promise<DemoAgent> {
  const { body: agent } = await client.call("PUT", "/v1/agents", {
    schema: AgentAnswer,
    body,
  });
  emit({ event: "agent-created", agent_id: agent.agent_id, name: agent.name, description: body.description ?? "" });
  return { agentId: agent.agent_id, name: agent.name };
}

/** Makes a collection and stores its memories, a chunk a call. @throws DemoFault when the service refuses one. */
export async function storeCollection(client: Client, input: InputCollection, emit: Emit): Promise<StoredCollection> {
  const startedAtMs = performance.now();
  const { body: collection } = await client.call("PUT", "/v1/collections", {
    schema: CollectionAnswer,
    body: { name: input.name },
  });
  const memories: StoredMemory[] = [];
  for (let start = 0; start < input.memories.length; start += CHUNK_SIZE) {
    memories.push(
      ...(await storeChunk(client, collection.collection_id, input.memories.slice(start, start + CHUNK_SIZE))),
    );
    emit({
      event: "storing",
      collection: input.name,
      done: memories.length,
      total: input.memories.length,
      memories_per_second: memories.length / secondsSince(startedAtMs),
    });
  }
  emit({
    event: "collection-stored",
    collection_id: collection.collection_id,
    name: input.name,
    memories: memories.length,
    seconds: secondsSince(startedAtMs),
  });
  return { collectionId: collection.collection_id, name: input.name, memories };
}

async function storeChunk(
  client: Client,
  collectionId: string,
  chunk: readonly InputMemory[],
): Promise<StoredMemory[]> {
  const path = `/v1/collections/${collectionId}/memories`;
  const { body } = await client.call("PUT", path, {
    schema: MemoriesStoredAnswer,
    body: { memories: chunk.map((memory) => memory.body) },
  });
  const results = new Map(body.results.map((result) => [result.index, result]));
  return chunk.map(({ where, body: memory }, index) => {
    const result = results.get(index);
    if (result?.memory_id === undefined || result.memory_id === null || result.verdict === "refused") {
      throw new DemoFault(`${where}: the service refused it. ${result?.problem?.detail ?? ""}`.trimEnd());
    }
    return { memoryId: result.memory_id, text: memory.text, occurredAt: memory.occurred_at ?? null };
  });
}

function secondsSince(startedAtMs: number): number {
  return (performance.now() - startedAtMs) / 1000;
}
