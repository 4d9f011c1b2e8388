import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";

import autocannon from "autocannon";

import type { Load, LoadResult } from "./load.ts";

/*
 * The load generator, in a process of its own so that it shares no loop with what it measures. It answers each Load that
 * its parent sends with a LoadResult, and ends with its parent.
 */

const ANSWER_SECONDS_MAX = 30;
const FAULT_CHARACTERS_MAX = 400;

async function run(load: Load): Promise<LoadResult> {
  let answers = 0;
  let faults = 0;
  let firstFault: string | null = null;
  const startedAtMs = performance.now();
  let answeredAtMs = startedAtMs;
  const result = await autocannon({
    url: load.address,
    connections: load.connections,
    timeout: ANSWER_SECONDS_MAX,
    // It stops at the first sample after the end.
    sampleInt: 100,
    ...("seconds" in load.until ? { duration: load.until.seconds } : { amount: load.until.requests }),
    requests: [
      {
        method: "PUT",
        path: load.path,
        headers: { ...load.headers, ...(load.requestId === null ? {} : { requestId: load.requestId }) },
        body: load.body,
        ...(load.requestId === null
          ? { setupRequest: (request) => ({ ...request, headers: { ...request.headers, requestId: randomUUID() } }) }
          : {}),
        onResponse: (status, body) => {
          answers += 1;
          answeredAtMs = performance.now();
          if (status === load.status && holds(body, load.bodyHolds)) return;
          faults += 1;
          firstFault ??= `${status} ${body.slice(0, FAULT_CHARACTERS_MAX)}`;
        },
      },
    ],
  });
  if (result.errors > 0)
    firstFault ??= `${result.errors} connections broke, ${result.timeouts} of them for want of an answer`;
  return {
    answers,
    seconds: (answeredAtMs - startedAtMs) / 1000,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    faults: faults + result.errors,
    firstFault,
  };
}

function holds(body: string, expected: Load["bodyHolds"]): boolean {
  return expected === undefined || body.split(expected.text).length - 1 === expected.times;
}

// An interruption is the parent's to handle: this process ends when the channel to it closes.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit());
process.on("message", (load: Load) => {
  void run(load).then((result) => process.send?.(result));
});
