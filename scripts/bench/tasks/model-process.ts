import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";

import { LOCAL_HOST } from "../../dev/ports.ts";
import { chatAnswer, readChat } from "./chat-answer.ts";
import type { ModelCounts, ModelMessage } from "./model.ts";

/*
 * A model that answers each call after the same time, and refuses what comes while as many are open as it takes. A process
 * of its own, so that it shares no loop with what it serves; it ends with its parent.
 */

let latencyMs = 0;
let limit = 0;
let open = 0;
let counts = fresh();
let changedAtMs = 0;

function fresh(): ModelCounts {
  return { calls: 0, answered: 0, refused: 0, mostOpen: 0, idleMs: 0, partlyMs: 0, firstAtMs: null, lastAtMs: null };
}

/** Notes how long it stood so before the number of open calls changes. */
function noteOpen(nowMs: number): void {
  const stoodMs = nowMs - changedAtMs;
  changedAtMs = nowMs;
  if (counts.firstAtMs === null || counts.firstAtMs === nowMs) return;
  if (open === 0) counts = { ...counts, idleMs: counts.idleMs + stoodMs };
  else if (open < limit) counts = { ...counts, partlyMs: counts.partlyMs + stoodMs };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const arrivedAtMs = Date.now();
  counts = { ...counts, calls: counts.calls + 1, firstAtMs: counts.firstAtMs ?? arrivedAtMs };
  if (open >= limit) {
    counts = { ...counts, refused: counts.refused + 1 };
    request.resume();
    const error = JSON.stringify({ error: { message: "Too many calls at once.", code: "rate_limit_exceeded" } });
    response.writeHead(429, { "content-type": "application/json", "retry-after": "1" }).end(error);
    return;
  }
  noteOpen(arrivedAtMs);
  open += 1;
  counts = { ...counts, mostOpen: Math.max(counts.mostOpen, open) };
  response.once("close", () => {
    noteOpen(Date.now());
    open -= 1;
  });
  const call = readChat(await text(request));
  await delay(Math.max(0, arrivedAtMs + latencyMs - Date.now()));
  if (response.destroyed) return;
  const { type, body } = chatAnswer(call);
  counts = { ...counts, answered: counts.answered + 1, lastAtMs: Date.now() };
  response.writeHead(200, { "content-type": type }).end(body);
}

const server = createServer((request, response) => {
  answer(request, response).catch(
    (error: unknown) => void response.destroy(error instanceof Error ? error : undefined),
  );
});
// As many connections may wait as the service holds open.
server.keepAliveTimeout = 60_000;
server.listen(0, LOCAL_HOST, () => {
  const address = server.address();
  process.send?.({ port: typeof address === "object" ? address?.port : null });
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.on("disconnect", () => process.exit());
process.on("message", (message: ModelMessage) => {
  if (message.kind === "begin") {
    ({ latencyMs, limit } = message);
    counts = fresh();
  }
  process.send?.({ counts });
});
