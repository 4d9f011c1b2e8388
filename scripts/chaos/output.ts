import type { Verdict } from "./check.ts";
import type { BellFaults } from "./service.ts";

/** What the campaign tells: with `--json` one of them a line. The last is the summary. */
export type ChaosEvent =
  | {
      readonly event: "begun";
      readonly seed: number;
      readonly state: string;
      readonly kills: number;
      readonly kills_before: number;
    }
  | {
      readonly event: "killed";
      readonly kill: number;
      readonly of: number;
      readonly while_starting: boolean;
      readonly tasks: number;
      readonly ended: number;
      readonly model_calls: number;
    }
  | { readonly event: "settling"; readonly open: number; readonly tasks: number }
  | { readonly event: "reading"; readonly read: number; readonly tasks: number }
  | ChaosSummary
  | { readonly event: "error"; readonly message: string };

export interface ChaosSummary {
  readonly event: "summary";
  readonly ok: boolean;
  readonly seed: number;
  readonly kills: number;
  readonly kills_while_starting: number;
  readonly restarts: number;
  readonly tasks: Readonly<Record<string, number>>;
  readonly memories: number;
  readonly model_calls: Readonly<Record<"answered" | "failed" | "cut", number>>;
  /** Calls with a key that had been asked before. */
  readonly model_calls_again: number;
  readonly answers_lost_in_kills: number;
  /** Of this run of the script alone. */
  readonly client_repeats: number;
  readonly bells: BellFaults;
  readonly promises: readonly Verdict[];
}

export type EmitChaos = (event: ChaosEvent) => void;

/** For a person at a terminal what goes on stands on one line; in a pipe each kill has its own. */
export function createChaosOutput(stream: NodeJS.WriteStream): EmitChaos {
  let passing = false;
  const line = (text: string): void => {
    stream.write(`${passing ? "\r\u001B[2K" : ""}${text}\n`);
    passing = false;
  };
  const pass = (text: string): void => {
    if (!stream.isTTY) return;
    stream.write(`\r\u001B[2K${text}`);
    passing = true;
  };
  return (event) => {
    switch (event.event) {
      case "begun":
        return line(begunLine(event));
      case "killed": {
        const { kill, of, tasks, ended, model_calls, while_starting } = event;
        const text = `kill ${kill} of ${of}${while_starting ? " (while it started)" : ""}  ${ended} of ${tasks} tasks ended, ${model_calls} model calls`;
        return stream.isTTY ? pass(text) : line(text);
      }
      case "settling":
        return pass(`waiting for ${event.open} of ${event.tasks} tasks`);
      case "reading":
        return pass(`read ${event.read} of ${event.tasks} tasks`);
      case "summary":
        for (const text of summaryLines(event)) line(text);
        return undefined;
      case "error":
        // The sentence itself goes to stderr.
        return passing ? line("") : undefined;
    }
  };
}

function begunLine({ seed, state, kills, kills_before }: Extract<ChaosEvent, { event: "begun" }>): string {
  const goes = kills_before > 0 ? `Goes on after ${kills_before} of ${kills} kills` : `Begins: ${kills} kills`;
  return `${goes}; seed ${seed}, state in ${state}.`;
}

function summaryLines(summary: ChaosSummary): readonly string[] {
  const { kills, kills_while_starting, restarts, tasks, memories, model_calls, bells } = summary;
  const statuses = Object.entries(tasks).map(([status, count]) => `${count} ${status}`);
  return [
    "",
    `${kills} kills (${kills_while_starting} while it started), ${restarts} restarts, ${summary.client_repeats} repeats by clients.`,
    `Tasks: ${statuses.join(", ")}; ${memories} memories made.`,
    `Model calls: ${model_calls.answered} answered, ${model_calls.failed} failed, ${model_calls.cut} cut off;`,
    `  ${summary.model_calls_again} were asked again, ${summary.answers_lost_in_kills} of them because a kill took an answer before its checkpoint.`,
    `Bells: ${bells.sent} sent, ${bells.dropped} lost, ${bells.doubled} doubled.`,
    "",
    ...summary.promises.flatMap(({ promise, checked, violations }) => [
      `${violations.length === 0 ? "kept  " : "BROKEN"}  ${promise} (${checked} checked)`,
      ...violations.map((violation) => `          ${violation}`),
    ]),
  ];
}
