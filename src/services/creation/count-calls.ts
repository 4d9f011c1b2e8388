import { errorText } from "../../domain/basics/error-text";
import { countCalls, type SeenCalls } from "../../data/requests/request-store";
import type { Services } from "../context";

/** Adds up calls that found their request id used, in one statement. Never throws: a count that is lost changes nothing else. */
export async function countSeenCalls({ db, log }: Services, calls: readonly SeenCalls[]): Promise<void> {
  await countCalls(db, calls).catch((error: unknown) =>
    log("warn", "calls-not-counted", { count: calls.length, error: errorText(error) }),
  );
}
