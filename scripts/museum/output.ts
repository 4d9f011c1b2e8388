import { shorten } from "../demo/layout.ts";
import type { Emit, MuseumEvent, Summary } from "./visit.ts";

const TEST_CHARACTERS_MAX = 70;
const MESSAGE_CHARACTERS_MAX = 70;
const CLEAR_LINE = "\r\u001b[K";

/** Tells a person which bug was killed by what: a line each, and a table at the end. On a terminal, how far it is. */
export function createOutput(stream: NodeJS.WriteStream): Emit {
  const clear = stream.isTTY ? CLEAR_LINE : "";
  const print = (lines: readonly string[], status = ""): void => {
    stream.write(clear + lines.map((line) => `${line}\n`).join("") + (stream.isTTY ? status : ""));
  };
  return (event) => {
    switch (event.event) {
      case "preparing":
        return print([event.what]);
      case "bug":
        return print([bugLine(event)], `${event.done} of ${event.total}`);
      case "summary":
        return print(summaryLines(event));
      case "error":
        // The sentence itself goes to stderr.
        return print([]);
    }
  };
}

function bugLine({ bug, verdict, message, seconds }: Extract<MuseumEvent, { event: "bug" }>): string {
  const reason = verdict === "killed" ? "" : `: ${shorten(message, MESSAGE_CHARACTERS_MAX)}`;
  return `${verdict === "killed" ? "ok  " : "FAIL"} ${bug}  ${verdict} (${seconds} s)${reason}`;
}

function summaryLines({ trials, seconds, ok }: Summary): readonly string[] {
  const rows = trials.map(({ bug, source, verdict, test, message }) => [
    bug,
    source,
    verdict === "killed" ? "" : verdict,
    shorten(test, TEST_CHARACTERS_MAX),
    shorten(message, MESSAGE_CHARACTERS_MAX),
  ]);
  const killed = trials.filter(({ verdict }) => verdict === "killed").length;
  return [
    "",
    ...columns([["bug", "from", "", "killed by", "its assertion"], ...rows]),
    "",
    `${killed} of ${trials.length} bugs were killed by an assertion, in ${seconds} s.`,
    ...(ok ? [] : ["The museum fails."]),
  ];
}

function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widthOf = (column: number) => Math.max(...rows.map((row) => (row[column] ?? "").length));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widthOf(column)))
      .join("  ")
      .trimEnd(),
  );
}
