import { expect } from "vitest";
import type { ServiceError } from "../../src/services/errors/errors";

/** What a promise is rejected with; that it resolves is a failed assertion. */
export function errorOf(result: Promise<unknown>): Promise<ServiceError["value"]> {
  return result.then(
    () => expect.fail("It answered."),
    (error: ServiceError) => error.value,
  );
}
