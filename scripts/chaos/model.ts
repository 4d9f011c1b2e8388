import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";

import { chatAnswer, readChat } from "../bench/tasks/chat-answer.ts";
import { LOCAL_HOST } from "../dev/ports.ts";
import type { EntryOf } from "./journal.ts";
import type { Random } from "./random.ts";

/** Shares of all calls. */
const FAILING = 0.1;
const HANGING = 0.05;
const SLOW = 0.1;
const QUICK_MS = [20, 120] as const;
const SLOW_MS = [300, 1_200] as const;
/** So much of an answer comes before it hangs, where it does not hang from the start. */
const BEGINNING_CHARACTERS = 30;

const LIFE = /^\/life-(\d+)\//u;

/** A call takes so long at most, a silence in it half, and a pause a quarter: so what hangs is noticed soon. */
export const MODEL_TIMEOUT_SECONDS = 6;

export interface FlakyModel {
  /** The address for one life of the service: a call tells by it where it came from, however late it is read. */
  baseUrl(life: number): string;
  end(): void;
}

/** A model that fails, hangs and dawdles by chance, and tells of each call when it is over. */
export async function startFlakyModel(random: Random, tell: (call: EntryOf<"call">) => void): Promise<FlakyModel> {
  const server = createServer((request, response) => {
    const atMs = Date.now();
    const key = String(request.headers["idempotency-key"]);
    const life = Number(LIFE.exec(request.url ?? "")?.[1]);
    let outcome: EntryOf<"call">["outcome"] = "cut";
    response.once("finish", () => {
      outcome = response.statusCode === 200 ? "answered" : "failed";
    });
    response.once("close", () => tell({ kind: "call", key, life, atMs, overAtMs: Date.now(), outcome }));
    answer(request, response, random).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  await new Promise<void>((listening) => server.listen(0, LOCAL_HOST, listening));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("The model does not listen.");
  return {
    baseUrl: (life) => `http://${LOCAL_HOST}:${address.port}/life-${life}/v1`,
    end: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, random: Random): Promise<void> {
  const { type, body } = chatAnswer(readChat(await text(request)));
  const lot = random.next();
  const [least, most] = lot > 1 - SLOW ? SLOW_MS : QUICK_MS;
  const [waitMs, half] = [random.between(least, most), random.next()];
  if (lot < HANGING) {
    // Until whoever asked has had enough: half of them from the start, half after some words.
    if (half < 0.5) response.writeHead(200, { "content-type": type }).write(body.slice(0, BEGINNING_CHARACTERS));
    return;
  }
  await delay(waitMs);
  if (response.destroyed) return;
  if (lot < HANGING + FAILING) {
    const status = half < 0.5 ? 500 : 429;
    response.writeHead(status, { "content-type": "application/json", ...(status === 429 && { "retry-after": "1" }) });
    response.end(JSON.stringify({ error: { message: "Not now." } }));
    return;
  }
  response.writeHead(200, { "content-type": type }).end(body);
}
