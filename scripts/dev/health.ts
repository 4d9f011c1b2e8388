import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 200;
const PROBE_TIMEOUT_MS = 2_000;

/** Waits until `GET /healthz` answers 200. @throws the reason of `signal` when that is aborted first. */
export async function waitUntilHealthy(address: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    if (await isHealthy(address, signal)) return;
    await delay(POLL_MS);
  }
}

async function isHealthy(address: string, signal: AbortSignal): Promise<boolean> {
  try {
    const answer = await fetch(`${address}/healthz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]),
    });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    // Not listening yet, or still building: the next probe tells.
    return false;
  }
}
