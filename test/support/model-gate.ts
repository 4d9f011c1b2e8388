import { serviceClock } from "../../src/runtime/clock";
import { type GateReport, ModelGate } from "../../src/domain/model/model-gate";
import { ServiceError } from "../../src/services/errors/errors";
import { type Called, ModelCalls } from "../../src/services/model/call-slots";
import type { ModelGatePort } from "../../src/services/ports/model-gate";

export const LATENCY_MS = 200;
const USAGE = { modelCalls: 1, inputTokens: 70, outputTokens: 30 };
export const ANSWER = { usage: USAGE };

/** A model that counts what is open. `answer` may refuse. */
export class CountingModel {
  open = 0;
  most = 0;
  /** When each call began, and whose it was. */
  readonly calls: { readonly atMs: number; readonly namespaceId: string }[] = [];

  constructor(private readonly answer: (call: number) => void = () => undefined) {}

  async ask(namespaceId: string): Promise<typeof ANSWER> {
    const call = this.calls.push({ atMs: Date.now(), namespaceId });
    this.open += 1;
    this.most = Math.max(this.most, this.open);
    await new Promise((resolve) => setTimeout(resolve, LATENCY_MS));
    this.open -= 1;
    this.answer(call);
    return ANSWER;
  }
}

export function busyFor(seconds: number): ServiceError {
  return new ServiceError("unavailable", "model-unavailable", "Busy.", { retryAfterSeconds: seconds });
}

interface Invocation {
  readonly calls: ModelCalls;
  readonly logged: string[];
  /** Asks for so many memories at once. @returns what becomes of them. */
  start(
    model: CountingModel,
    count: number,
    place?: { namespaceId?: string; taskId?: string; deadlineMs?: number },
  ): Promise<PromiseSettledResult<Called<typeof ANSWER>>[]>;
}

export function invocation(callsMax: number, modelGate: ModelGatePort | null = null): Invocation {
  const logged: string[] = [];
  const calls = new ModelCalls({
    clock: serviceClock,
    limits: { modelCallsPerInvocation: callsMax },
    log: (_, event) => void logged.push(event),
    modelGate,
  });
  return {
    calls,
    logged,
    start: (model, count, { namespaceId = "a", taskId = "t", deadlineMs = 1e9 } = {}) => {
      let [begun, failed] = [0, false];
      const place = {
        namespaceId,
        taskId,
        deadlineMs,
        isOver: (nowMs: number) => failed || (nowMs >= deadlineMs && begun > 0),
        begin: () => void (begun += 1),
        fail: () => void (failed = true),
      };
      return Promise.allSettled(
        Array.from({ length: count }, () => calls.run(place, 100, () => model.ask(namespaceId))),
      );
    },
  };
}

/** The gate behind its port, with what it was told. */
export function gateOf(concurrency: number) {
  const gate = new ModelGate({ concurrency, requestsPerMinute: null, tokensPerMinute: null }, undefined, 0);
  const reports: GateReport[] = [];
  let state: "up" | "down" | "hanging" = "up";
  const port: ModelGatePort = {
    report: async (report) => {
      reports.push(report);
      if (state === "hanging") await new Promise((_, reject) => setTimeout(() => reject(new Error("late")), 2_000));
      if (state === "down") throw new Error("down");
      return gate.answer(report, Date.now());
    },
  };
  return { gate, port, reports, become: (next: typeof state) => void (state = next) };
}

export const answered = (results: readonly PromiseSettledResult<Called<unknown>>[]) =>
  results.filter((result) => result.status === "fulfilled" && result.value.begun).length;
