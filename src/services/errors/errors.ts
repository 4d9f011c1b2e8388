export const ERROR_KINDS = [
  "invalid",
  "unauthenticated",
  "forbidden",
  "not-found",
  "gone",
  "conflict",
  "mismatch",
  "precondition",
  "limit-exceeded",
  "unavailable",
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

/** An answer lists no more: who sends a million faults needs no million sentences. */
export const FAULTS_MAX = 100;

/** One fault of the input. */
export interface Fault {
  /** JSON Pointer into the body, RFC 6901; "" is the whole body. */
  readonly pointer: string;
  /** A sentence that says what to do. */
  readonly detail: string;
}

export interface ErrorDetails {
  readonly faults?: readonly Fault[];
  /** Members that the answer carries besides the standard ones, such as `task_id`; wire names. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds?: number;
  /** Overrides what the kind says: may the same call be sent again? */
  readonly retryable?: boolean;
}

/** The plain form of an error: what crosses a Durable Object call, where class identity is lost. */
export interface ErrorValue extends ErrorDetails {
  readonly kind: ErrorKind;
  /** Stable kebab-case code, documented at /problems/{code}. */
  readonly code: string;
  readonly message: string;
}

/** The one error that services throw on purpose. Anything else that is thrown is a bug. */
export class ServiceError extends Error {
  readonly value: ErrorValue;

  constructor(kind: ErrorKind, code: string, message: string, details: ErrorDetails = {}) {
    super(message);
    this.name = "ServiceError";
    this.value = { kind, code, message, ...details };
  }

  static of(value: ErrorValue): ServiceError {
    const { kind, code, message, ...details } = value;
    return new ServiceError(kind, code, message, details);
  }
}

/** @param pointer where the id stands in the caller's body; null when it stands elsewhere, as in a path. */
export function notFound(noun: string, pointer: string | null = null): ServiceError {
  const detail = `There is no such ${noun}. Check the id.`;
  return new ServiceError("not-found", `${noun}-not-found`, detail, faultAt(pointer, detail));
}

/** The faults of an error that has one, at a pointer that may be unknown. */
export function faultAt(pointer: string | null, detail: string): ErrorDetails {
  return pointer === null ? {} : { faults: [{ pointer, detail }] };
}

/** @param pointer as of {@link notFound}. */
export function gone(noun: string, pointer: string | null = null): ServiceError {
  const detail = `This ${noun} was deleted. Read it with ?include_deleted=true, or restore it with PATCH …/undelete.`;
  return new ServiceError("gone", `${noun}-deleted`, detail, faultAt(pointer, detail));
}

/** The 412 of a conditional write that came too late. */
export function versionChanged(noun: string): ServiceError {
  const detail = `The ${noun} was changed since you read it. Read it again, and send If-Match with the new ETag.`;
  return new ServiceError("precondition", "version-changed", detail);
}
