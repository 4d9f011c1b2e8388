import { DatabaseUnavailable } from "../../data/database/timed-database";
import { ServiceError } from "./errors";

/** The refusal behind an error that only says that the database does not answer now; undefined for any other error. */
export function unavailableOf(error: unknown): ServiceError | undefined {
  // drizzle wraps what the driver throws.
  for (let cause = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof DatabaseUnavailable) return databaseUnavailable();
  return undefined;
}

function databaseUnavailable(): ServiceError {
  const detail = "The database does not answer now. Reads may be sent again; see /docs for which writes may.";
  return new ServiceError("unavailable", "service-unavailable", detail);
}

/** The refusal when the object that holds the streams of a task cannot be reached, or cannot read the task. */
export function watchersUnavailable(): ServiceError {
  const detail = "The stream of this task cannot be opened now. Send the same call again, or read the events in pages.";
  return new ServiceError("unavailable", "service-unavailable", detail);
}
