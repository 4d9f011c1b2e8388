import type { TaskStatus, TaskType } from "../tasks/task";

/** What first came under a request id. `cancel`: nothing but that has come. */
export const REQUEST_DOORS = ["task", "reservation", "bulk", "invoke", "agent", "collection", "cancel"] as const;
export type RequestDoor = (typeof REQUEST_DOORS)[number];

/** What two calls with one request id must have in common. */
export interface RequestMaterial {
  /** Major version of the contract. */
  readonly api: 1;
  readonly type: TaskType | "agent" | "collection";
  /** The operation that was called, such as `batches-create`. */
  readonly operation: string;
  readonly path: Readonly<Record<string, string>>;
  /** The query parameters that change what is made, where there are any. */
  readonly query?: Readonly<Record<string, string>>;
  /** As sent: no defaults are filled in, so that a later default breaks no replay. */
  readonly body: unknown;
}

/** The pointer to a body as a whole: all that can be said when the first request is not at hand. */
export const WHOLE_REQUEST = "";
export const MISMATCH_POINTERS_MAX = 50;

/**
 * Where two requests differ, as JSON Pointers (RFC 6901) into the body; never values. A call of another operation, or
 * on another path, differs as a whole: "".
 */
export function mismatchPointers(first: RequestMaterial, second: RequestMaterial): readonly string[] {
  const head = ({ api, type, operation, path }: RequestMaterial) => JSON.stringify([api, type, operation, path]);
  const pointers = head(first) === head(second) ? [] : [WHOLE_REQUEST];
  collect(first.query ?? {}, second.query ?? {}, "/query", pointers);
  collect(first.body, second.body, "", pointers);
  return [...new Set(pointers)].slice(0, MISMATCH_POINTERS_MAX);
}

function collect(a: unknown, b: unknown, pointer: string, found: string[]): void {
  if (found.length >= MISMATCH_POINTERS_MAX || Object.is(a, b)) return;
  if (!isContainer(a) || !isContainer(b) || Array.isArray(a) !== Array.isArray(b)) {
    found.push(pointer);
    return;
  }
  const [left, right] = [new Map(Object.entries(a)), new Map(Object.entries(b))];
  for (const key of new Set([...left.keys(), ...right.keys()])) {
    const next = `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    if (left.has(key) && right.has(key)) collect(left.get(key), right.get(key), next, found);
    else found.push(next);
  }
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** The row of a request as it stands, without the request itself. */
export interface StandingRequest {
  /** Derived from (namespace, request id), and the id of the task where one is made. */
  readonly id: string;
  readonly namespaceId: string;
  readonly requestId: string;
  readonly door: RequestDoor;
  /** Null while nothing but a cancel or a reservation has come. */
  readonly fingerprint: string | null;
  readonly reservedFingerprint: string | null;
  readonly callId: string;
  readonly madeId: string | null;
  readonly madeRun: number | null;
  readonly bulkId: string | null;
  readonly canceled: boolean;
  readonly heldUntilMs: number | null;
  readonly firstSeenAtMs: number;
  readonly lastSeenAtMs: number;
  readonly replayCount: number;
  readonly mismatchCount: number;
  readonly retiredAtMs: number | null;
  /** Of the task of a tombstone, as it ended. */
  readonly status: TaskStatus | null;
  readonly run: number | null;
  readonly endedAtMs: number | null;
}
