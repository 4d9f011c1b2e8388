const PREFIXES = ["agent", "collection", "memory", "task", "key", "namespace"] as const;
type IdPrefix = (typeof PREFIXES)[number];

/** A new random id, such as `agent_0f8b…` (32 hex digits). */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${crypto.randomUUID().replaceAll("-", "")}`;
}

/** The task of a request id: the same in every Worker, with no mapping table. */
export function taskIdOf(namespaceId: string, requestId: string): Promise<string> {
  return derivedId("task", "refrain:task:v1", namespaceId, requestId);
}

/** The collection that a task makes for its results. */
export function targetCollectionIdOf(taskId: string): Promise<string> {
  return derivedId("collection", "refrain:target:v1", taskId, "");
}

/** The memory that a task makes of a source memory. */
export function reVoicedMemoryIdOf(taskId: string, sourceMemoryId: string): Promise<string> {
  return derivedId("memory", "refrain:re-voiced:v1", taskId, sourceMemoryId);
}

/** The request id of a bulk's item that has none of its own: the same whenever the bulk is sent again. */
export async function bulkItemRequestIdOf(bulkRequestId: string, index: number): Promise<string> {
  const hex = await derivedHex("refrain:bulk-item:v1", bulkRequestId, String(index));
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/**
 * A UUIDv8 of SHA-256 over (tag, a, b). Each is preceded by its length, so that no two triples share an encoding.
 * Source: RFC 9562, section 5.8 and appendix B.2.
 */
async function derivedHex(tag: string, a: string, b: string): Promise<string> {
  const encoded = [tag, a, b].map((part) => `${part.length}:${part}`).join("");
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(encoded)));
  const bytes = digest.slice(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return hexOf(bytes);
}

async function derivedId(prefix: IdPrefix, tag: string, a: string, b: string): Promise<string> {
  return `${prefix}_${await derivedHex(tag, a, b)}`;
}

const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export function hexOf(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += HEX_OF_BYTE[byte];
  return hex;
}

/** SHA-256 of a text's UTF-8, in hex. */
export async function sha256Hex(text: string): Promise<string> {
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}
