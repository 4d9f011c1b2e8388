import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 200;
const PROBE_TIMEOUT_MS = 2_000;

/** The Worker itself answered that it cannot serve: waiting longer would not help. */
export class Unhealthy extends Error {}

/**
 * Waits until `GET /healthz` answers 200.
 * @throws Unhealthy when the Worker answers a problem; the reason of `signal` when that is aborted first.
 */
export async function waitUntilHealthy(address: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const found = await probe(address, signal);
    if (found === "healthy") return;
    if (found === "unhealthy") throw new Unhealthy(`The service at ${address} answers with an error.`);
    await delay(POLL_MS);
  }
}

async function probe(address: string, signal: AbortSignal): Promise<"healthy" | "unhealthy" | "silent"> {
  try {
    const answer = await fetch(`${address}/healthz`, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(PROBE_TIMEOUT_MS)]),
    });
    await answer.body?.cancel();
    if (answer.ok) return "healthy";
    return answer.headers.get("content-type") === "application/problem+json" ? "unhealthy" : "silent";
  } catch {
    // Not listening yet, or still building: the next probe tells.
    return "silent";
  }
}
