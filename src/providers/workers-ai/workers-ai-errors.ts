import { ServiceError } from "../../services/errors/errors";

/** When the account's allowance of a day is used up: look again so often. */
const ALLOWANCE_SECONDS = 3_600;

/** Cloudflare's own codes. Source: developers.cloudflare.com/workers-ai/platform/errors. */
const ALLOWANCE_USED_UP = 3036;
/** Asked too much now: leave it alone so long. */
const OUT_OF_CAPACITY = 3040;
const BUSY_SECONDS = 1;
/** Too large, or data that it does not take: the same call will not be answered. */
const REFUSING: ReadonlySet<number> = new Set([3003, 3006, 5004]);
/** No such model, not allowed, not agreed to, not of this kind. */
const OF_THE_SETTINGS: ReadonlySet<number> = new Set([3023, 3039, 3041, 3042, 5005, 5007, 5016, 5018, 5019]);

/**
 * What the binding threw, where it means that Workers AI refuses this call: its code.
 * @param asked the model, and the variable that names it.
 * @throws ServiceError `unavailable` for all else.
 */
export function refusalCodeOf(
  error: unknown,
  asked: { readonly model: string; readonly setting: "MODEL_NAME" | "EMBEDDER_NAME" },
): number {
  const code = codeOf(error);
  const named = code === null ? "" : ` (error ${code})`;
  if (code !== null && REFUSING.has(code)) return code;
  if (code !== null && OF_THE_SETTINGS.has(code)) {
    const { model, setting } = asked;
    throw unavailable(
      `Workers AI does not give this account ${model}${named}. The operator has to look at ${setting}.`,
    );
  }
  if (code === ALLOWANCE_USED_UP) {
    throw unavailable(`The account's allowance of Workers AI is used up${named}.`, ALLOWANCE_SECONDS);
  }
  const detail = `Workers AI does not answer now${named}. It is asked again later.`;
  throw unavailable(detail, code === OUT_OF_CAPACITY ? BUSY_SECONDS : undefined);
}

/** "3040: Capacity temporarily exceeded": the binding throws its code in the message. */
function codeOf(error: unknown): number | null {
  const code = error instanceof Error ? /\b([35]\d{3}):/.exec(error.message)?.[1] : undefined;
  return code === undefined ? null : Number(code);
}

function unavailable(detail: string, retryAfterSeconds?: number): ServiceError {
  const details = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return new ServiceError("unavailable", "model-unavailable", detail, details);
}

/** The binding may take no notice of the signal; who waits does. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("Nobody waits for the answer any more.")), { once: true });
  });
  signal.throwIfAborted();
  return Promise.race([work, aborted]);
}
