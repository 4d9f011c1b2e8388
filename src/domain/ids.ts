const PREFIXES = ["agent", "collection", "memory", "task", "key", "namespace"] as const;
type IdPrefix = (typeof PREFIXES)[number];

/** Ids of ours are shorter. A longer one is unknown, and need not travel to the database. */
export const ID_CHARACTERS_MAX = 64;

/** A new random id, such as `agent_0f8b…` (32 hex digits). */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${crypto.randomUUID().replaceAll("-", "")}`;
}

/** {@link taskIdsOf} of one. */
export function taskIdOf(namespaceId: string, requestId: string): Promise<string> {
  return taskIdsOf(namespaceId)(requestId);
}

/**
 * The tasks of request ids: the same in every Worker, with no mapping table. Those of the items of one bulk begin alike
 * ({@link groupOfTask}), whoever sends their request ids. Asked for together, they share the digest of their bulk.
 */
export function taskIdsOf(namespaceId: string): (requestId: string) => Promise<string> {
  const groups = new Map<string, Promise<string>>();
  const groupOf = (bulk: string): Promise<string> => {
    const group = groups.get(bulk) ?? derivedHex("refrain:bulk-group:v1", namespaceId, bulk);
    groups.set(bulk, group);
    return group;
  };
  return async (requestId) => {
    const own = await derivedHex("refrain:task:v1", namespaceId, requestId);
    const item = await findBulkItem(requestId);
    if (item === undefined) return `task_${own}`;
    const group = (await groupOf(item.bulk)).slice(0, GROUP_HEX_DIGITS);
    return `task_${group}${item.index}${own.slice(GROUP_HEX_DIGITS + INDEX_HEX_DIGITS)}`;
  };
}

const GROUP_HEX_DIGITS = 24;
const INDEX_HEX_DIGITS = 2;

/** What the ids of tasks have in common that came in one bulk under ids of its own; 96 bits, as good as one's own. */
export function groupOfTask(taskId: string): string {
  return taskId.slice(0, "task_".length + GROUP_HEX_DIGITS);
}

/** The collection that a task makes for its results. */
export function targetCollectionIdOf(taskId: string): Promise<string> {
  return derivedId("collection", "refrain:target:v1", taskId, "");
}

/** The agent or collection that a request id makes: the same whenever the request is sent again. */
export function createdIdOf(noun: "agent" | "collection", namespaceId: string, requestId: string): Promise<string> {
  return derivedId(noun, `refrain:${noun}:v1`, namespaceId, requestId);
}

/** The memory that a task makes of a source memory. */
export function reVoicedMemoryIdOf(taskId: string, sourceMemoryId: string): Promise<string> {
  return derivedId("memory", "refrain:re-voiced:v1", taskId, sourceMemoryId);
}

/** The id that a memory of a file gets in a collection where its own id cannot be: the same at each import. */
export function importedMemoryIdOf(collectionId: string, memoryId: string): Promise<string> {
  return derivedId("memory", "refrain:imported:v1", collectionId, memoryId);
}

/**
 * The request id of a task that a GET asks for: the same for all who ask before it has ended.
 * @param previousTaskId the last task of the same subject, or "".
 */
export async function requestIdOfSubject(subject: string, previousTaskId: string): Promise<string> {
  return toGuid(await derivedHex("refrain:subject:v1", subject, previousTaskId));
}

/** Of the 32 hex digits of an item's request id: what stands for the bulk; then its place; then a check of both. */
const BULK_HEX_DIGITS = 22;
const VERSION_DIGIT = 12;

/**
 * The request ids of a bulk's items that have none of their own: the same whenever the bulk is sent again. Each says which
 * bulk it is of, so that the tasks of one bulk can be claimed together.
 * @returns the id of an item at its place, 0 to 255.
 */
export function bulkItemRequestIdsOf(bulkRequestId: string): (index: number) => Promise<string> {
  let bulk: Promise<string> | undefined;
  return async (index) => {
    bulk ??= derivedHex("refrain:bulk:v1", bulkRequestId, "");
    const head = (await bulk).slice(0, BULK_HEX_DIGITS) + index.toString(16).padStart(INDEX_HEX_DIGITS, "0");
    return toGuid(head + (await checkOf(head)));
  };
}

/** @param hex 32 hex digits. */
function toGuid(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** @returns the bulk and the place that a request id speaks of, or undefined when it is no bulk item's. */
async function findBulkItem(requestId: string): Promise<{ readonly bulk: string; readonly index: string } | undefined> {
  const hex = requestId.replaceAll("-", "");
  // Most ids are of another version, and need no digest.
  if (hex[VERSION_DIGIT] !== "8") return undefined;
  const head = hex.slice(0, BULK_HEX_DIGITS + INDEX_HEX_DIGITS);
  if (hex !== head + (await checkOf(head))) return undefined;
  return { bulk: hex.slice(0, BULK_HEX_DIGITS), index: head.slice(BULK_HEX_DIGITS) };
}

/** 32 bits: a client's random GUID passes for a bulk item's once in four thousand million, and is none the worse for it. */
async function checkOf(head: string): Promise<string> {
  return (await derivedHex("refrain:bulk-item:v2", head, "")).slice(BULK_HEX_DIGITS + INDEX_HEX_DIGITS);
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
