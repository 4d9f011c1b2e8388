import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";

import { z } from "zod";

import { LOCAL_HOST } from "../../dev/ports.ts";
import { BenchFault } from "../bench-fault.ts";

/** What the model saw since `begin`. Times are those of the machine's clock, in milliseconds. */
export interface ModelCounts {
  readonly calls: number;
  readonly answered: number;
  /** Calls that came while as many were open as it takes: answered 429 at once. */
  readonly refused: number;
  readonly mostOpen: number;
  /** How long none was open, and how long some but fewer than it takes; from the first call to the last answer, in ms. */
  readonly idleMs: number;
  readonly partlyMs: number;
  readonly firstAtMs: number | null;
  readonly lastAtMs: number | null;
}

export type ModelMessage =
  | { readonly kind: "begin"; readonly latencyMs: number; readonly limit: number }
  | { readonly kind: "tell" };

export interface Model {
  readonly baseUrl: string;
  /** Begins to count anew. */
  begin(latencyMs: number, limit: number): Promise<void>;
  tell(): Promise<ModelCounts>;
  end(): void;
}

const ANSWER_MS_MAX = 10_000;
const Started = z.object({ port: z.number() });
const Counted = z.object({
  counts: z.object({
    calls: z.number(),
    answered: z.number(),
    refused: z.number(),
    mostOpen: z.number(),
    idleMs: z.number(),
    partlyMs: z.number(),
    firstAtMs: z.number().nullable(),
    lastAtMs: z.number().nullable(),
  }),
});

/** Starts the model in a process of its own. */
export async function startModel(): Promise<Model> {
  const child = fork(resolve(import.meta.dirname, "model-process.ts"));
  const { port } = Started.parse(await nextMessage(child));
  const ask = async (message: ModelMessage): Promise<ModelCounts> => {
    const answered = nextMessage(child);
    child.send(message);
    return Counted.parse(await answered).counts;
  };
  return {
    baseUrl: `http://${LOCAL_HOST}:${port}/v1`,
    begin: async (latencyMs, limit) => void (await ask({ kind: "begin", latencyMs, limit })),
    tell: () => ask({ kind: "tell" }),
    end: () => void child.kill("SIGKILL"),
  };
}

async function nextMessage(child: ChildProcess): Promise<unknown> {
  try {
    const [message]: unknown[] = await once(child, "message", { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
    return message;
  } catch (error) {
    throw new BenchFault("The stub of the model does not answer.", { cause: error });
  }
}
