import { createProgress } from "../demo/progress.ts";
import { formatCount, table } from "../demo/layout.ts";
import { type Bound, keptOf } from "./bounds.ts";
import { FAULTS_OF_THE_SOURCE } from "./grammar.ts";
import type { Figures } from "./measure.ts";

export interface Summary extends Figures {
  readonly event: "summary";
  readonly ok: boolean;
  readonly bounds: readonly Bound[];
}

export type EvalEvent =
  | { readonly event: "preparing"; readonly memories: number; readonly agents: number }
  | { readonly event: "progress"; readonly done: number; readonly total: number; readonly per_second: number }
  | Summary
  | { readonly event: "error"; readonly message: string };

export type Emit = (event: EvalEvent) => void;

/** Tells a person how far it is, and the figures at the end: a bar on a terminal, lines into a pipe. */
export function createOutput(stream: NodeJS.WriteStream): Emit {
  const progress = createProgress(stream);
  const print = (lines: readonly string[]): void => {
    progress.end();
    for (const line of lines) stream.write(`${line}\n`);
  };
  return (event) => {
    switch (event.event) {
      case "preparing":
        return print([`${formatCount(event.memories)} memories, told by ${event.agents} agents.`]);
      case "progress":
        return progress.update(event.done, event.total, event.per_second);
      case "summary":
        return print(summaryLines(event));
      case "error":
        // The sentence itself goes to stderr.
        return print([]);
    }
  };
}

/** One JSON object a line; progress is for people. */
export function emitJson(event: EvalEvent): void {
  if (event.event !== "progress") process.stdout.write(`${JSON.stringify(event)}\n`);
}

function summaryLines({ agents, pairs, bounds, faults, examples, ok }: Summary): readonly string[] {
  const agentRows = agents.map((agent) => [
    agent.agent,
    keptOf(agent).toFixed(4),
    formatCount(agent.facts),
    agent.changed.toFixed(3),
    String(agent.faults),
    formatCount(agent.openers),
    String(agent.opener_repeats),
    String(agent.flagged),
    agent.ms_median.toFixed(1),
  ]);
  const header = ["agent", "kept", "facts", "changed", "faults", "openers", "again", "flagged", "ms"];
  return [
    "",
    ...table([header, ...agentRows]),
    "",
    ...table([["pair", "told apart"], ...pairs.map((pair) => [pair.agents, pair.told_apart.toFixed(3)])]),
    "",
    ...examples.flatMap(({ agent, source, text }) => [`  ${source}`, `  ${agent}: ${text}`, ""]),
    ...faults.map(({ agent, kind, where }) => `fault (${kind}) of ${agent}: …${where}…`),
    ...table([
      ["bound, the worst of all", "is", "to reach", ""],
      ...bounds.map(({ what, value, bound, ok: isMet }) => [
        what,
        Number.isInteger(value) ? String(value) : value.toFixed(4),
        bound,
        isMet ? "ok" : "MISSED",
      ]),
    ]),
    "",
    "Changed and told apart: without openers, closers and the agent's name. Facts are looked for by rules of their own.",
    FAULTS_OF_THE_SOURCE,
    ...(ok ? [] : ["Not all bounds are met."]),
  ];
}
