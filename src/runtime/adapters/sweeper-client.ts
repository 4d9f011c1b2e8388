import { errorText } from "../../domain/basics/error-text";
import { within } from "../../domain/basics/time-limit";
import { configOf } from "../config/cached-config";
import { log } from "../log";

const SWEEPER_NAME = "sweeper";
const ARM_WITHIN_MS = 5_000;

/** Bindings whose sweeper this isolate has armed. */
const armed = new WeakSet<Env["SWEEPER"]>();

/** Sees to it that the sweeper sweeps. @returns whether it has said so; never throws. */
export async function armSweeper(env: Env): Promise<boolean> {
  try {
    if (configOf(env).limits.sweepSeconds === null) return true;
    await within(ARM_WITHIN_MS, Promise.resolve(env.SWEEPER.getByName(SWEEPER_NAME).arm()));
    return true;
  } catch (error) {
    log("warn", "sweeper-not-armed", { error: errorText(error) });
    return false;
  }
}

/** The same, once for each isolate: where it fails, the next request of the isolate tries again. */
export async function armSweeperOnce(env: Env): Promise<void> {
  const { SWEEPER } = env;
  if (armed.has(SWEEPER)) return;
  armed.add(SWEEPER);
  if (!(await armSweeper(env))) armed.delete(SWEEPER);
}
