import { env } from "cloudflare:workers";
import { type Answer, call } from "./api";

/** A namespace of its own, and a key to act in it: so that a test sees nothing of its neighbours. */
export async function newTenant(): Promise<{ readonly namespaceId: string; readonly key: string }> {
  const namespace = await made("/v1/namespaces", { name: `tenant ${crypto.randomUUID()}` });
  const namespaceId: string = namespace.body.namespace_id;
  const { body } = await made("/v1/keys", { name: "test", namespace_id: namespaceId });
  return { namespaceId, key: body.key };
}

export async function newAgent(key: string, fields: object = {}): Promise<Answer["body"]> {
  const { body } = await made("/v1/agents", { name: `agent ${crypto.randomUUID()}`, ...fields }, key);
  return body;
}

export async function newCollection(key: string, fields: object = {}): Promise<Answer["body"]> {
  const { body } = await made("/v1/collections", { name: "Summers at the harbour", ...fields }, key);
  return body;
}

/** Adds memories, and gives the verdicts. */
export async function addMemories(key: string, collectionId: string, memories: readonly unknown[]): Promise<Answer> {
  return call("PUT", `/v1/collections/${collectionId}/memories`, { key, body: { memories } });
}

async function made(path: string, body: unknown, key?: string): Promise<Answer> {
  const answer = await call("PUT", path, key === undefined ? { body } : { body, key });
  if (answer.status !== 201) throw new Error(`PUT ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer;
}

/** Deletes softly, past the API: without a call that a test would have to reckon with. */
export async function markDeleted(table: "collections" | "memories", id: string): Promise<void> {
  await env.DB.prepare(`UPDATE ${table} SET deleted_at_ms = 1 WHERE id = ?`).bind(id).run();
}

/** What a problem says, without what differs from call to call: its trace, and the time of the look. */
export function problemOf({ status, body }: Answer): unknown {
  const { trace_id: _, as_of: __, ...problem } = body;
  return { answered: status, ...problem };
}

/** An unknown id and one of a wrong form; a foreign one is added by the test. */
export function unknownIds(prefix: string): readonly string[] {
  return [`${prefix}_${"0".repeat(32)}`, "no-id-of-ours", `${prefix}_`, "x".repeat(2_000)];
}

/** In one order, to compare what may come in any. */
export function sorted<T>(items: readonly T[]): T[] {
  return items.toSorted((a, b) => String(a).localeCompare(String(b)));
}

/** A voice with something in every field. */
export const VOICE = {
  person: "third",
  tone: "dry",
  traits: ["cautious"],
  lexicon: { dog: "hound" },
  openers: ["Mark this:"],
  closers: ["And that was that."],
  examples: ["The sea keeps what it is told."],
};
