import type { CallContext } from "./context";
import { type ServiceError, versionChanged } from "./errors/errors";

/** Each lost try means that another writer came first, so that some writer always gets on. */
const WRITE_TRIES_MAX = 20;

/** The versions under which a conditional write may happen; null for any. */
export type VersionCondition = readonly number[] | null;

interface Versioned {
  /** Counts changes, from 1. */
  readonly version: number;
}

interface Change<T extends Versioned> {
  readonly noun: string;
  readonly condition: VersionCondition;
  /** @throws ServiceError when it cannot be changed. */
  readonly read: () => Promise<T>;
  /** What is given back as it is changes nothing, and writes nothing. */
  readonly step: (current: T) => T | Promise<T>;
  /** Writes what has the next version, if the current one still stands. @returns undefined when it wrote nothing. */
  readonly write: (next: T, expectedVersion: number) => Promise<T | undefined>;
  /** Says why nothing was written, by throwing; silent when it was a race that was lost. */
  readonly explain?: (next: T) => Promise<undefined>;
  readonly busy: () => ServiceError;
}

/** Reads, steps, and writes if nothing came in between; else reads again. */
export function change<T extends Versioned>(ctx: CallContext, given: Change<T>): Promise<T> {
  return keepTrying(ctx, given.busy, async () => {
    const current = await given.read();
    if (given.condition !== null && !given.condition.includes(current.version)) throw versionChanged(given.noun);
    const stepped = await given.step(current);
    if (stepped === current) return current;
    const next = { ...stepped, version: current.version + 1 };
    return (await given.write(next, current.version)) ?? given.explain?.(next);
  });
}

/** Runs `attempt` until it gives something; undefined means that it lost a race. @throws what `busy` says, in the end. */
export async function keepTrying<T>(
  ctx: CallContext,
  busy: () => ServiceError,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  for (let tries = 0; tries < WRITE_TRIES_MAX; tries++) {
    const result = await attempt();
    if (result !== undefined) return result;
  }
  const error = busy();
  ctx.log("warn", error.value.code, { tries: WRITE_TRIES_MAX });
  throw error;
}
