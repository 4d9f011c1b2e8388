import { type ErrorValue, ServiceError } from "./errors";

/** The result of a call that must not throw: what crosses Durable Object calls. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ErrorValue };

export function succeed<T>(value: T): Outcome<T> {
  return { ok: true, value };
}

export function fail(error: ErrorValue): { readonly ok: false; readonly error: ErrorValue } {
  return { ok: false, error };
}

/** Runs `work`, and turns a ServiceError into a value. Bugs still throw. */
export async function outcomeOf<T>(work: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return succeed(await work());
  } catch (error) {
    if (error instanceof ServiceError) return fail(error.value);
    throw error;
  }
}

/** The value of an outcome. @throws ServiceError the error of a failed one. */
export function valueOf<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value;
  throw ServiceError.of(outcome.error);
}
