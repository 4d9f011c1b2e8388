import { ServiceError } from "../errors/errors";

/** The window that the rate of a key, and of wrong put keys, is counted in. */
export const RATE_WINDOW_SECONDS = 60;

/** The refusal of a key that has used up its rate. */
export function rateLimited(): ServiceError {
  return new ServiceError("limit-exceeded", "rate-limited", "This key sends too many requests. Wait, then go on.", {
    retryAfterSeconds: RATE_WINDOW_SECONDS,
  });
}
