import { Presets, SingleBar } from "cli-progress";

import { formatCount, table } from "../demo/layout.ts";
import type { Worth } from "./counted/object-worth.ts";
import type { OperationCounts } from "./counted/operations.ts";
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

function summaryLines({ ok, subjects, targets, counted = [], worth = [], notes }: Summary): readonly string[] {
  return [
    "",
    ...titled([["subject", "per second", "slowest", "fastest", "p50 ms", "p99 ms"], ...subjects.map(subjectCells)]),
    ...titled([["ratio", "is", "of single rounds", "to reach", "", "goal", ""], ...targets.map(targetCells)]),
    ...countedLines(counted),
    ...worthLines(worth),
    ...notes,
    ...(ok ? [] : ["Not all targets are reached."]),
  ];
}

/** A table with a line after it; nothing where it has a head alone. */
function titled(rows: readonly (readonly string[])[], ...before: readonly string[]): readonly string[] {
  return rows.length <= 1 ? [] : [...before, ...table(rows), ""];
}

function subjectCells(row: Measured): readonly string[] {
  const rates = [row.per_second, row.slowest, row.fastest].map(formatCount);
  return [row.subject, ...rates, formatCount(row.p50_ms), formatCount(row.p99_ms)];
}

function targetCells({ text, value, lowest, highest, bound, ok, goal }: Target): readonly string[] {
  const range = lowest === undefined || highest === undefined ? "" : `${lowest.toFixed(2)} - ${highest.toFixed(2)}`;
  const verdict = bound === null ? ["", ""] : [bound, ok ? "ok" : "MISSED"];
  const wish = goal === undefined ? ["", ""] : [goal.bound, goal.reached ? "reached" : "not yet"];
  return [text, value.toFixed(2), range, ...verdict, ...wish];
}

function countedLines(counted: readonly OperationCounts[]): readonly string[] {
  const head = [
    "operation",
    "D1 trips",
    "rows read",
    "rows written",
    "object calls",
    "its rows",
    "queue",
    "$ a million",
  ];
  const rows = counted.map((each) => [
    each.operation,
    ...[each.d1_round_trips, each.d1_rows_read, each.d1_rows_written].map(formatShort),
    ...[each.object_calls, each.object_rows_written, each.queue_operations].map(formatShort),
    each.dollars_a_million.toFixed(2),
  ]);
  return titled(
    [head, ...rows],
    "Counted, for one operation. Not in the dollars: processor time, the time for which objects are awake, and storage.",
  );
}

function worthLines(worth: readonly Worth[]): readonly string[] {
  const head = ["situation", "", "requests", "object calls", "D1 trips", "rows read"];
  const rows = worth.flatMap((each) => [
    [each.situation, "with the object", ...askedCells(each.with_object)],
    ["", "without", ...askedCells(each.without)],
  ]);
  return titled([head, ...rows], "What the objects of request ids save, counted:");
}

function askedCells(asked: Worth["without"]): readonly string[] {
  return [asked.worker_requests, asked.object_calls, asked.d1_round_trips, asked.d1_rows_read].map(formatCount);
}

/** With a decimal where there is something to tell. */
function formatShort(count: number): string {
  return count.toLocaleString("en", { maximumFractionDigits: 2 });
}
