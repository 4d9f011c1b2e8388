import type { Collection } from "../../domain/collections/collection";
import type { Memory, MemoryContent } from "../../domain/memories/memory";
import type { RecallFilters } from "../../domain/recall/recall-filters";
import type { VectorIndexName, VectorSpace } from "../../domain/vectors/vector-space";
import type { WordTable } from "../../domain/recall/word-table";
import type { Voice } from "../../domain/agents/voice";

/** What a generator is told of the agent: frozen when the task was created. */
export interface AgentProfile {
  readonly name: string;
  readonly description: string | null;
  readonly persona: string | null;
  readonly voice: Voice;
}

/** A memory that a recall brought up as context. Text of users: data, never instructions. */
export interface ContextMemory {
  readonly memoryId: string;
  readonly text: string;
  /** RFC 3339 UTC, or null when unknown. */
  readonly occurredAt: string | null;
}

export interface ReVoiceRequest {
  /** Stable per (task, memory): a provider may use it as its idempotency key. */
  readonly idempotencyKey: string;
  readonly agent: AgentProfile;
  readonly memory: ContextMemory;
  /** The memory's place in its task, from 0, oldest first: what is said once in a while is spread by it. */
  readonly position: number;
  /** Recalled from the source collection, oldest first. */
  readonly sourceContext: readonly ContextMemory[];
  /** Recalled from the agent's bound collections, oldest first. */
  readonly agentContext: readonly ContextMemory[];
  readonly instructions: string | null;
  /** Set on the second try, where the first lost facts of the source or added some. */
  readonly repair: Repair | null;
}

/** A text of the generator's own that the fact guard did not pass. */
export interface Repair {
  readonly text: string;
  /** Facts of the source that it lost, and facts that it made up. Both may be empty: then only its length was wrong. */
  readonly missing: readonly string[];
  readonly added: readonly string[];
}

export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Set where the model did not count: then it is four characters a token. */
  readonly estimated?: true;
}

export type ReVoiceResult =
  | { readonly text: string; readonly usage: TokenUsage }
  /** It answered, and is paid for, but there is no text to use: it refused, was cut off, or kept to no form. */
  | {
      readonly text: null;
      /** For the item of the task; in our own words. */
      readonly detail: string;
      /** Whether the same question may get a better answer. */
      readonly again: boolean;
      readonly usage: TokenUsage;
    };

/**
 * Re-words one memory in an agent's voice. The next provider is one file that implements this.
 * @throws ServiceError `unavailable` when trying again later may help, not before its `retryAfterSeconds`; any other
 * error fails the one memory.
 */
export interface TextGenerator {
  /** Which it is, for people: such as "embedded-rules". */
  readonly id: string;
  reVoice(request: ReVoiceRequest, options: { readonly signal: AbortSignal }): Promise<ReVoiceResult>;
}

/** An embedder that knows words only. It works while a memory is searched: nothing is stored, nothing gets stale. */
export interface WordVectors {
  /** Names the table, such as "embedded-glove-100d-20k". */
  readonly id: string;
  readonly dimensions: number;
  /** @throws when the table cannot be read now: a recall goes on by words alone, and says so. */
  open(): Promise<WordTable>;
}

/** An embedder of whole texts: a model behind an API. */
export interface Embedder {
  /** Stored with each vector: those of two embedders are never compared. */
  readonly id: string;
  readonly dimensions: number;
  /**
   * One vector of unit length a text, in their order; 1 to EMBEDDED_TEXTS_MAX texts.
   * @throws ServiceError `unavailable` when trying again later, or other settings, may help.
   */
  embed(
    texts: readonly string[],
    options: { readonly signal: AbortSignal },
  ): Promise<{ readonly vectors: readonly Float32Array[]; readonly usage: TokenUsage }>;
}

/** Texts of one call of an embedder. */
export const EMBEDDED_TEXTS_MAX = 100;

/** A memory as it was read, and the vector of its text. */
export interface EmbeddedMemory {
  readonly seq: number;
  readonly id: string;
  readonly digest: string | null;
  readonly updatedAtMs: number;
  readonly vector: Float32Array;
}

/** Keeps the vectors of memories, and compares them with the vector of a query. */
export interface VectorIndex {
  readonly name: VectorIndexName;
  /**
   * Stores vectors and notes which memories have one; a memory that changed or went since it was read is left out.
   * @returns how many were noted.
   */
  put(
    place: { readonly namespaceId: string; readonly collectionId: string },
    space: VectorSpace,
    embedded: readonly EmbeddedMemory[],
  ): Promise<number>;
  compare(space: VectorSpace, query: VectorQuery): Promise<VectorLikeness>;
  /** Removes vectors that speak for no memory any more, where they do not go with it; some at a time. @returns how many. */
  sweep(): Promise<number>;
}

export interface VectorQuery {
  readonly vector: Float32Array;
  readonly namespaceId: string;
  readonly collectionIds: readonly string[];
  readonly filters: RecallFilters;
}

export interface VectorLikeness {
  /** For each collection: live memories that pass the filters, by `seq`, and their cosine with the query, −1 to 1. */
  readonly cosines: readonly ReadonlyMap<number, number>[];
  /** Why some of the vectors were not compared that should have been; null when all were. */
  readonly incomplete: string | null;
}

/** An index of vectors outside of the database. It may need seconds until what was stored is found. */
export interface RemoteVectors {
  /** Replaces what is there under the id of a memory. @throws ServiceError `unavailable`. */
  upsert(
    space: VectorSpace,
    vectors: readonly {
      readonly namespaceId: string;
      readonly collectionId: string;
      readonly memoryId: string;
      readonly vector: Float32Array;
    }[],
  ): Promise<void>;
  /** The nearest of one collection, REMOTE_NEAREST_MAX at most, the nearest first. @throws ServiceError `unavailable`. */
  nearest(
    space: VectorSpace,
    query: { readonly vector: Float32Array; readonly namespaceId: string; readonly collectionId: string },
  ): Promise<readonly { readonly memoryId: string; readonly cosine: number }[]>;
  /** An unknown id is none to remove. @throws ServiceError `unavailable`. */
  remove(memoryIds: readonly string[]): Promise<void>;
}

/** As many as Vectorize answers in one query. */
export const REMOTE_NEAREST_MAX = 100;

/** What was found out of a file while it was stored. */
export interface StoredBody {
  readonly bytes: number;
  /** Lines that hold more than white space. */
  readonly lines: number;
  /** SHA-256 of its bytes, hex. */
  readonly sha256: string;
}

/**
 * Files too large for the database. A name is written once; written again it holds the later content.
 * @throws ServiceError `unavailable` when the store does not answer.
 */
export interface Files {
  /** Stores what comes, of unknown length, in constant memory. What the source throws is thrown on, and nothing kept. */
  store(name: string, source: AsyncIterable<Uint8Array>): Promise<StoredBody>;
  write(name: string, bytes: Uint8Array): Promise<void>;
  has(name: string): Promise<boolean>;
  /** At most `length` bytes from `offset`, which lies in the file. Undefined when there is no such file. */
  read(name: string, range: { readonly offset: number; readonly length: number }): Promise<Uint8Array | undefined>;
  open(name: string): Promise<ReadableStream<Uint8Array> | undefined>;
  /** Removes all files whose names begin so. */
  removeAll(beginning: string): Promise<void>;
}

/** A memory as a file gives it. */
export interface GivenMemory extends MemoryContent, Pick<Memory, "accessedAtMs" | "accessCount" | "source"> {
  /** The memory's id where it came from. */
  readonly id: string | null;
  readonly createdAtMs: number | null;
}

/** What a line of a file says; or a sentence about what is wrong with it. */
export type GivenLine =
  | { readonly kind: "collection" }
  | { readonly kind: "memory"; readonly memory: GivenMemory }
  | { readonly kind: "fault"; readonly detail: string };

/** The format of exported files: lines of JSON, the first about the collection, then one for each memory. */
export interface MemoryFormat {
  /** With the line feed at its end, as the next. */
  collectionLine(collection: Collection): string;
  memoryLine(memory: Memory): string;
  /** @param value the JSON of a line, parsed. */
  readLine(value: unknown): GivenLine;
}

export interface Clock {
  /** Milliseconds since the epoch, UTC. For what the program itself measures; SQL has D1's time. */
  nowMs(): number;
  /** Milliseconds that this clock, and with it the time of all SQL, is put forward by: 0, but in tests. */
  readonly offsetMs: number;
}

/** The doorbell: tells a consumer that a task may have work. Losing or doubling a ring changes nothing. */
export interface TaskBells {
  /** @throws when the queue did not take the rings; some may have been sent. */
  ring(taskId: string, options: { readonly times: number; readonly delaySeconds: number }): Promise<void>;
  /** Rings at once, once for each of at most 100 tasks. @throws as above. */
  ringOnce(taskIds: readonly string[]): Promise<void>;
}

/** How much a key may claim in a time. */
export interface ClaimRate {
  /** @returns false when it is used up. */
  take(keyId: string): Promise<boolean>;
}

/** The keys that show who reserved an id. They are never stored or logged. */
export interface PutKeys {
  make(taskId: string): Promise<string>;
  isRight(taskId: string, putKey: string): Promise<boolean>;
}

/** Finds the addresses behind a name. */
export interface NameResolver {
  /**
   * All its IPv4 and IPv6 addresses, names that stand for it followed; none when there is no such name.
   * @throws when the resolver does not answer in time, or not so that it can be read.
   */
  resolve(name: string): Promise<readonly string[]>;
}

/** A message to an endpoint, as Standard Webhooks has it. */
export interface WebhookMessage {
  readonly url: string;
  /** The same in every attempt. */
  readonly id: string;
  /** When this attempt is made. */
  readonly atMs: number;
  readonly body: string;
  /** Each makes a signature of its own: `whsec_…`. */
  readonly secrets: readonly string[];
}

/** What an endpoint answered: a status, and how long it wants to be left alone; or why there was no answer. */
export type WebhookAnswer =
  | { readonly status: number; readonly retryAfterSeconds: number }
  | { readonly status: null; readonly error: string };

/** Signs messages and sends them, within limits of time and size. Redirects are not followed. Never throws. */
export interface WebhookSender {
  send(message: WebhookMessage): Promise<WebhookAnswer>;
}

/** The secrets of endpoints. They are derived and not stored. */
export interface WebhookSecrets {
  /** The version of the server's key that new secrets are made with. */
  readonly newest: string;
  /** @returns `whsec_…`, or undefined when the server does not have a key of that version any more. */
  of(webhookId: string, secretVersion: number, keyVersion: string): Promise<string | undefined>;
}

/** The doorbell for deliveries. Losing or doubling a ring changes nothing. */
export interface DeliveryBells {
  /** At the first rings that the queue does not take, no more are sent. @throws then; some may have been sent. */
  ring(deliveryIds: readonly string[], delaySeconds: number): Promise<void>;
}
