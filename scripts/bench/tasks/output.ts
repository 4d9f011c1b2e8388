import { formatCount, formatShare, table } from "../../demo/layout.ts";
import { createBar, createLines } from "../output.ts";
import { totalDollars } from "./costs.ts";
import type { EmitTask, SubjectFigures, TaskSummary } from "./events.ts";

/** Tells a person how far the bench is, and its figures at the end: a bar on a terminal, lines into a pipe. */
export function createTaskOutput(stream: NodeJS.WriteStream): EmitTask {
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
        return progress.update({ ...event, said: `${event.seconds.toFixed(2)} s` });
      case "summary":
        return print(summaryLines(event));
      case "error":
        // The sentence itself goes to stderr.
        return print([]);
    }
  };
}

function summaryLines({ ok, memories, subjects, floor_memories_per_second: floor, targets, notes }: TaskSummary) {
  return [
    "",
    `A task of ${formatCount(memories)} memories:`,
    ...table([["subject", "s", "slowest", "fastest", "memories/s"], ...subjects.map(timeCells)]),
    "",
    ...modelLines(subjects),
    ...floorLines(subjects, floor),
    "For each memory, counted:",
    ...perSubject(subjects, ({ counted }) => Object.entries(counted)),
    "",
    "Rows written for each memory, as they are billed, and what for:",
    ...perSubject(subjects, ({ rows_written }) => rows_written.map(({ what, rows }) => [what, rows] as const)),
    "",
    "D1 round trips for each memory, by their first statement:",
    ...perSubject(subjects, ({ round_trips }) => round_trips.map(({ what, rows }) => [what, rows] as const)),
    "",
    "Dollars for a million memories, at list prices:",
    ...perSubject(subjects, ({ million }) => [
      ...million
        .filter(({ dollars }) => dollars > 0)
        .map(({ item, dollars }) => [item.replaceAll("_", " "), dollars] as const),
      ["all of it", totalDollars(million)] as const,
    ]),
    "",
    ...table([
      ["target", "is", "to reach", ""],
      ...targets.map((each) => [each.text, each.value.toFixed(3), each.bound ?? "", each.ok ? "ok" : "MISSED"]),
    ]),
    "",
    ...notes,
    ...(ok ? [] : ["Not all targets are reached."]),
  ];
}

function timeCells({ subject, memories_per_second, ...row }: SubjectFigures): readonly string[] {
  return [subject, ...[row.seconds, row.slowest, row.fastest].map((s) => s.toFixed(2)), memories_per_second.toFixed(1)];
}

function modelLines(subjects: readonly SubjectFigures[]): readonly string[] {
  const rows = subjects.flatMap(({ subject, model }) => {
    if (model === null) return [];
    const { seconds_from_first_call, ideal_seconds, calls, refused, most_open, idle_share, partly_share } = model;
    const shares = [idle_share, partly_share].map(formatShare);
    const times = [ideal_seconds, seconds_from_first_call].map((s) => s.toFixed(2));
    return [[subject, ...times, ...[calls, refused, most_open].map(formatCount), ...shares]];
  });
  if (rows.length === 0) return [];
  return [
    ...table([
      ["model", "ideal s", "s from first call", "calls", "refused", "most at once", "none open", "some open"],
      ...rows,
    ]),
    "",
  ];
}

function floorLines(subjects: readonly SubjectFigures[], floor: number | null): readonly string[] {
  const embedded = subjects.find(({ model }) => model === null);
  if (floor === null || embedded === undefined) return [];
  const ratio = embedded.memories_per_second / floor;
  return [`The generator alone: ${formatCount(floor)} memories/s; a task does ${ratio.toFixed(3)} times as many.`, ""];
}

/** One column a subject, one row for each name that any of them has. */
function perSubject(
  subjects: readonly SubjectFigures[],
  entries: (subject: SubjectFigures) => readonly (readonly [string, number])[],
): readonly string[] {
  const columns = subjects.map((subject) => new Map(entries(subject)));
  const names = [...new Set(columns.flatMap((column) => [...column.keys()]))];
  const cells = names.map((name) => [name, ...columns.map((column) => (column.get(name) ?? 0).toFixed(3))]);
  return table([["", ...subjects.map(({ subject }) => subject)], ...cells]);
}
