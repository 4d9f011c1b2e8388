import { ServiceError } from "../errors/errors";
import type { CreationAnswer } from "../ports/task-requests";

/** Nothing was looked at for this call, so it started nothing. */
export function crowdAnswer(): CreationAnswer {
  const detail = "So many requests wait at once that this one was not looked at: it started nothing. Send it again.";
  const { value } = new ServiceError("unavailable", "creation-unavailable", detail);
  return { kind: "refused", error: value };
}
