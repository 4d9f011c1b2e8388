/** A server that asks for more is asked again after this all the same: an hour. */
export const RETRY_AFTER_SECONDS_MAX = 3_600;

const DELAY_SECONDS = /^\d{1,9}(?:\.\d{1,9})?$/;

/**
 * The seconds that a `Retry-After` asks for, as a number of them or as an HTTP date.
 * @returns whole seconds, 0 to RETRY_AFTER_SECONDS_MAX; undefined when there is none that can be read.
 * Source: RFC 9110, 10.2.3.
 */
export function retryAfterSeconds(header: string | null, nowMs: number): number | undefined {
  const value = header?.trim() ?? "";
  const seconds = DELAY_SECONDS.test(value) ? Number(value) : secondsUntil(value, nowMs);
  if (!Number.isFinite(seconds)) return undefined;
  return Math.min(Math.max(Math.ceil(seconds), 0), RETRY_AFTER_SECONDS_MAX);
}

/** NaN for what is no date. Dates begin with the day of the week: anything else, "-1" too, is none. */
function secondsUntil(value: string, nowMs: number): number {
  return /^[A-Z][a-z]{2}/.test(value) ? (Date.parse(value) - nowMs) / 1_000 : Number.NaN;
}
