import type { NewTask, TaskHead } from "../domain/task";
import type { ErrorValue } from "./errors";
import type { Outcome } from "./outcome";
import type { Voice } from "../domain/voice";

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
  /** Recalled from the source collection, oldest first. */
  readonly sourceContext: readonly ContextMemory[];
  /** Recalled from the agent's bound collections, oldest first. */
  readonly agentContext: readonly ContextMemory[];
  readonly instructions: string | null;
  /** Set on the second try: the first result, and the facts of the source that it lost. */
  readonly repair: { readonly text: string; readonly missing: readonly string[] } | null;
}

export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface ReVoiceResult {
  readonly text: string;
  readonly usage: TokenUsage;
}

/**
 * Re-words one memory in an agent's voice. The next provider is one file that implements this.
 * @throws ServiceError `unavailable` when trying again later may help; any other error fails the one memory.
 */
export interface TextGenerator {
  /** Stored with what it wrote, such as "embedded-rules". */
  readonly id: string;
  reVoice(request: ReVoiceRequest, options: { readonly signal: AbortSignal }): Promise<ReVoiceResult>;
}

export interface Clock {
  /** Milliseconds since the epoch, UTC. */
  nowMs(): number;
}

/** The doorbell: tells a consumer that a task may have work. Losing or doubling a ring changes nothing. */
export interface TaskBells {
  /** @throws when the queue did not take the rings; some may have been sent. */
  ring(taskId: string, options: { readonly times: number; readonly delaySeconds: number }): Promise<void>;
  /** Rings at once, once for each of at most 100 tasks. @throws as above. */
  ringOnce(taskIds: readonly string[]): Promise<void>;
}

/** The keys that show who reserved an id. They are never stored or logged. */
export interface PutKeys {
  make(taskId: string): Promise<string>;
  isRight(taskId: string, putKey: string): Promise<boolean>;
}

/** The requests objects: creation happens there, and they see to it that a task ends. */
export interface TaskRequests {
  /** Claims a creation, or finds the one that is there. @throws ServiceError `unavailable`. */
  claim(request: ClaimRequest): Promise<ClaimAnswer>;
  /** What is known of a request id. @throws ServiceError `unavailable`. */
  find(taskId: string): Promise<RequestRecord | undefined>;
  /** Asks the object to look after its task now; false when it knows of no such task. */
  poke(taskId: string): Promise<boolean>;
  /**
   * Tells the object that a run of its task ended: wakes who waits. Best effort; the object's alarm finds out anyway.
   */
  ended(taskId: string, run: number): Promise<void>;
  /** Cancels what has no row: what was claimed, or what may still come. */
  cancel(request: CancelRequest): Promise<CancelAnswer>;
  /** Ends the task, and turns its claim and its row into tombstones. `pending`: not yet proven, but it will be. */
  remove(head: TaskHead): Promise<"removed" | "pending">;
  /** Opens the next run. @throws ServiceError `unavailable` when it is not certain that it is open. */
  invoke(request: InvokeRequest): Promise<InvokeAnswer>;
  /** Resolves when the task ended, or after the time. Throws when the object cannot be reached. */
  waitForEnd(taskId: string, timeoutMs: number): Promise<void>;
}

export interface CancelRequest {
  readonly taskId: string;
  readonly requestId: string;
  /** Whether one more id may be held for what has not come yet. */
  readonly mayHold: boolean;
}

/** `pending`: not yet proven, but it will be carried out. `refused`: nothing came, and nothing may be held. */
export type CancelAnswer = "canceled" | "retired" | "pending" | "refused";

export interface ClaimRequest {
  /** `create` makes a task, `reserve` holds its id, `fill` gives a held id its content. */
  readonly door: "create" | "reserve" | "fill";
  readonly taskId: string;
  /** Canonical JSON of what was asked: the fingerprint's material. Never holds credentials. */
  readonly material: string;
  /** SHA-256 of the material, hex. */
  readonly fingerprint: string;
  /** Stays the same over the Worker's own second try, so that it still counts as first. */
  readonly callId: string;
  /** The verdict of all later checks: what to claim, or why to refuse. */
  readonly verdict: Outcome<NewTask>;
  /** For a fill: the reservation as its row shows it, in case the object has lost its own record; else null. */
  readonly reservation: { readonly fingerprint: string } | null;
}

export type ClaimAnswer =
  /** This call made the task. `rowStands`: its row is in D1. */
  | { readonly kind: "claimed"; readonly rowStands: boolean; readonly canceled: boolean }
  /** Made by an earlier call. */
  | { readonly kind: "replayed"; readonly rowStands: boolean; readonly firstSeenAtMs: number }
  | {
      readonly kind: "mismatch";
      readonly taskId: string;
      readonly firstSeenAtMs: number;
      /** JSON Pointers into the body; "" when the two calls are not of the same operation. */
      readonly pointers: readonly string[];
    }
  | { readonly kind: "refused"; readonly error: ErrorValue }
  /** A fill of an id that nobody has reserved. */
  | { readonly kind: "unknown" }
  /** The id belongs to a task that was removed. `rowStands`: its row in D1 says so too. */
  | { readonly kind: "retired"; readonly taskId: string; readonly rowStands: boolean };

export interface InvokeRequest {
  readonly taskId: string;
  readonly namespaceId: string;
  /** The run that is to be followed. */
  readonly run: number;
  /** The client's own id of this invoke, which makes it repeatable; null when it gave none. */
  readonly invokeId: string | null;
  /** False for a complete task: then it is only asked whether this invoke came before. */
  readonly mayOpen: boolean;
}

/**
 * `repeated`: this invoke came before. `unchanged`: the task has moved on, or may not be opened. `retired`: it was
 * removed, and `pending`: it is being removed.
 */
export type InvokeAnswer = "opened" | "repeated" | "unchanged" | "retired" | "pending";

export interface RequestRecord {
  readonly taskId: string;
  readonly requestId: string;
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
  readonly replayCount: number;
  readonly mismatchCount: number;
  /** When the record ends: null while its task is open. */
  readonly expiresAtMs: number | null;
  /** Removed, or past its retention: answers 410. */
  readonly retired: boolean;
  /** Canceled before anything came. */
  readonly givenUp: boolean;
}
