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

export function notFound(noun: string): ServiceError {
  return new ServiceError("not-found", `${noun}-not-found`, `There is no such ${noun}. Check the id.`);
}

export function gone(noun: string): ServiceError {
  return new ServiceError(
    "gone",
    `${noun}-deleted`,
    `This ${noun} was deleted. Read it with ?include_deleted=true, or restore it with PATCH …/undelete.`,
  );
}
