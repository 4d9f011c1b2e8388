import { Presets, SingleBar } from "cli-progress";

import { formatCount, table } from "../demo/layout.ts";
import type { Emit, Summary } from "./events.ts";
import type { Measured } from "./statistics.ts";
import type { Target } from "./targets.ts";

const BAR_WIDTH = 32;

/** Tells a person how far the bench is, and its figures at the end: a bar on a terminal, lines into a pipe. */
export function createOutput(stream: NodeJS.WriteStream): Emit {
  const progress = stream.isTTY ? createBar(stream) : createLines(stream);
  const print = (lines: readonly string[]): void => {
    progress.end();
    for (const line of lines) stream.write(`${line}\n`);
  };
  return (event) => {
    switch (event.event) {
      case "preparing":
        return print([event.what]);
      case "round":
        return progress.update({ ...event, said: `${formatCount(event.per_second)}/s` });
      case "summary":
        return print(summaryLines(event));
      case "error":
        // The sentence itself goes to stderr.
        return print([]);
    }
  };
}

/** A round that is done, and what to say of it. */
interface RoundDone {
  readonly round: number;
  readonly rounds: number;
  readonly subject: string;
  readonly done: number;
  readonly total: number;
  readonly said: string;
}

export function createBar(stream: NodeJS.WriteStream) {
  let bar: SingleBar | undefined;
  return {
    update: (event: RoundDone) => {
      const payload = { last: `${event.subject} ${event.said}` };
      if (bar === undefined) {
        const format = "  [{bar}] {value} of {total}  {last}";
        bar = new SingleBar(
          { stream, format, barsize: BAR_WIDTH, hideCursor: true, clearOnComplete: true },
          Presets.legacy,
        );
        bar.start(event.total, event.done, payload);
      }
      bar.update(event.done, payload);
    },
    end: () => {
      bar?.stop();
      bar = undefined;
    },
  };
}

export function createLines(stream: NodeJS.WriteStream) {
  return {
    update: ({ round, rounds, subject, said }: RoundDone) => {
      stream.write(`round ${round} of ${rounds}  ${subject.padEnd(24)} ${said.padStart(10)}\n`);
    },
    end: () => undefined,
  };
}

function summaryLines({ ok, subjects, targets, notes }: Summary): readonly string[] {
  return [
    "",
    ...table([["subject", "per second", "slowest", "fastest", "p50 ms", "p99 ms"], ...subjects.map(subjectCells)]),
    "",
    ...(targets.length === 0 ? [] : [...table([["ratio", "is", "to reach", ""], ...targets.map(targetCells)]), ""]),
    ...notes,
    ...(ok ? [] : ["Not all targets are reached."]),
  ];
}

function subjectCells(row: Measured): readonly string[] {
  const rates = [row.per_second, row.slowest, row.fastest].map(formatCount);
  return [row.subject, ...rates, formatCount(row.p50_ms), formatCount(row.p99_ms)];
}

function targetCells({ text, value, bound, ok }: Target): readonly string[] {
  if (bound === null) return [text, value.toFixed(2), "", ""];
  return [text, value.toFixed(2), bound, ok ? "ok" : "MISSED"];
}
