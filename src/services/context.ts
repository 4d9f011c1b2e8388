import type { Database } from "../data/database/database";
import type { ModelGatePort } from "./ports/model-gate";
import type {
  ClaimRate,
  Clock,
  DeliveryBells,
  Embedder,
  Files,
  MemoryFormat,
  NameResolver,
  PutKeys,
  TaskBells,
  TextGenerator,
  VectorIndex,
  WebhookSecrets,
  WebhookSender,
  WordVectors,
} from "./ports/ports";
import type { TaskRequests } from "./ports/task-requests";
import type { TaskWatchers } from "./ports/task-watchers";

/** What every verb needs, whether HTTP, a queue or an alarm calls it. */
export interface Services {
  readonly db: Database;
  readonly clock: Clock;
  readonly requests: TaskRequests;
  readonly bells: TaskBells;
  readonly watchers: TaskWatchers;
  readonly putKeys: PutKeys;
  /** Null when it is off. */
  readonly claimRate: ClaimRate | null;
  /** For put keys that are guessed: always on. */
  readonly wrongKeyRate: ClaimRate;
  readonly generator: TextGenerator;
  /** Null where the generator needs none. */
  readonly modelGate: ModelGatePort | null;
  /** Finds words of like meaning; null where equal words alone are found. */
  readonly embedder: WordVectors | null;
  /** Finds whole texts of like meaning; null where no embedder makes vectors of them. */
  readonly dense: DenseEmbedding | null;
  readonly files: Files;
  readonly memoryFormat: MemoryFormat;
  readonly webhooks: WebhookPorts;
  readonly limits: Limits;
  readonly log: Log;
}

/** An embedder of texts, and where its vectors lie. */
export interface DenseEmbedding {
  readonly embedder: Embedder;
  readonly index: VectorIndex;
  /** How long memories that are added, or a search, wait for the embedder. */
  readonly timeoutSeconds: number;
}

/** What it takes to tell endpoints of the ends of tasks. */
export interface WebhookPorts {
  readonly bells: DeliveryBells;
  readonly sender: WebhookSender;
  readonly resolver: NameResolver;
  readonly secrets: WebhookSecrets;
  /** Hosts, with their port where it is not that of the scheme, that are let through whatever address they have. */
  readonly allowHosts: ReadonlySet<string>;
}

/** A verb on behalf of a caller, inside one namespace. */
export interface CallContext extends Services {
  readonly namespaceId: string;
  readonly keyId: string;
  /** True for the admin key, which manages namespaces and keys. */
  readonly admin: boolean;
}

export interface Limits {
  readonly leaseSeconds: number;
  readonly heartbeatSeconds: number;
  /** How long a bell may take to be heard. After that the sweeper rings. */
  readonly ringSeconds: number;
  /** How often the sweeper sweeps; null where it does not. */
  readonly sweepSeconds: number | null;
  /** After so long a part starts no new memory, so that tasks take turns. */
  readonly partSeconds: number;
  /** Parts of one task that may run at once. */
  readonly parallelParts: number;
  readonly modelCallsPerInvocation: number;
  /** A generator that has not answered by then counts as unavailable. */
  readonly modelTimeoutSeconds: number;
  /** How long a request id lives after the end of its task. */
  readonly retentionDays: number;
  /** How long after that it answers 410 and never runs again. */
  readonly tombstoneDays: number;
}

export type LogLevel = "info" | "warn" | "error";
/** One event, one line of JSON. Fields hold ids and counts, never texts of users or credentials. */
export type Log = (level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>) => void;
