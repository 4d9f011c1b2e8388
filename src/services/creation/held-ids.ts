import { HELD_IDS_MAX } from "../../domain/tasks/reservation";
import { ServiceError } from "../errors/errors";

/** Room comes when a client makes it, or when hours are over: not within a second. */
const FULL_RETRY_SECONDS = 60;

/** The refusal of one more reservation, or of one more cancel before its creation. */
export function tooManyHeld(): ServiceError {
  const detail = `This namespace holds ${HELD_IDS_MAX.toLocaleString("en")} ids without work: reservations that nobody has filled, and cancels that came first. Fill or cancel some, or wait until they end.`;
  return new ServiceError("limit-exceeded", "too-many-held-ids", detail, { retryAfterSeconds: FULL_RETRY_SECONDS });
}
