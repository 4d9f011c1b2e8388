import { constants } from "node:os";
import { parseArgs } from "node:util";

import { runSlice } from "./schedules/slice.ts";
import { type Campaign, NEW_CAMPAIGN, readCampaign, writeCampaign } from "./schedules/state.ts";

const USAGE = `Plays random schedules of clients, faults and time against the real code, and counts broken promises.

  npm run schedules                         for 30 minutes; goes on where the last campaign ended
  npm run schedules -- --minutes 5
  npm run schedules -- --state PATH         where the campaign is kept; by default .wrangler/schedules.json
  npm run schedules -- --fresh              begins a new campaign
  npm run --silent schedules -- --json      one JSON object a line; the last is the summary

The exit code is 1 when a schedule of the campaign broke a promise. REQUEST_OBJECTS=n plays with n shared objects.
`;

const MINUTES = 30;
/** Of each test file. Small, so that little is lost when a campaign is ended in the middle of a slice. */
const SCHEDULES_PER_TEST = 200;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

interface Options {
  readonly minutes: number;
  readonly state: string;
  readonly fresh: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

interface Line {
  readonly event: "begun" | "slice" | "summary";
  readonly schedules: number;
  readonly failed: number;
  readonly next_seed: number;
  readonly minutes: number;
  readonly failures?: Campaign["failures"];
}

const ended = new AbortController();

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: String(MINUTES) },
      state: { type: "string", default: ".wrangler/schedules.json" },
      fresh: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new Error(`--minutes needs a number above 0, not ${values.minutes}.\n\n${USAGE}`);
  return { ...values, minutes };
}

/** Slice after slice until the time is up, or somebody ends it; the state is written after each. */
async function run({ minutes, state, fresh }: Options, tell: (line: Line) => void): Promise<Campaign> {
  let campaign = fresh ? NEW_CAMPAIGN : await readCampaign(state);
  const startedAtMs = performance.now();
  const minutesSpent = (): number => (performance.now() - startedAtMs) / 60_000;
  const say = (event: Line["event"], failures: Campaign["failures"]): void => {
    const { schedules, failures: all, nextSeed: next_seed } = campaign;
    tell({ event, schedules, failed: all.length, next_seed, minutes: minutesSpent(), failures });
  };
  say("begun", []);
  while (minutesSpent() < minutes && !ended.signal.aborted) {
    try {
      const slice = await runSlice(campaign.nextSeed, SCHEDULES_PER_TEST, ended.signal);
      campaign = {
        version: 1,
        nextSeed: campaign.nextSeed + 1,
        schedules: campaign.schedules + slice.schedules,
        slices: campaign.slices + 1,
        failures: [...campaign.failures, ...slice.failures],
      };
      await writeCampaign(state, campaign);
      say("slice", slice.failures);
    } catch (error) {
      if (!ended.signal.aborted) throw error;
    }
  }
  say("summary", campaign.failures);
  return campaign;
}

/** For a person at a terminal the count stands on one line; in a pipe each slice has its own. */
function tellPeople(stream: NodeJS.WriteStream): (line: Line) => void {
  return ({ event, schedules, failed, next_seed, minutes, failures = [] }) => {
    const count = `${schedules.toLocaleString("en")} schedules, ${failed} failed`;
    if (event === "begun" && schedules > 0) stream.write(`Goes on from ${count}, with seed ${next_seed}.\n`);
    if (event === "slice") {
      const line = `${minutes.toFixed(1).padStart(6)} min  ${count}`;
      stream.write(stream.isTTY ? `\r\u001B[2K${line}` : `${line}\n`);
      if (failures.length > 0 && stream.isTTY) stream.write("\n");
      for (const { file, replay, told } of failures) stream.write(`\n${replay} ${file}\n${told}\n\n`);
    }
    if (event !== "summary") return;
    if (stream.isTTY) stream.write("\n");
    stream.write(`${count}, in all; ${minutes.toFixed(1)} minutes of this run.\n`);
    for (const { file, replay } of failures) stream.write(`  ${replay} npx vitest run --project workers ${file}\n`);
  };
}

/** @returns the exit code. */
async function main(): Promise<number> {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const tell = options.json
    ? (line: Line) => void process.stdout.write(`${JSON.stringify(line)}\n`)
    : tellPeople(process.stdout);
  const { failures } = await run(options, tell);
  return failures.length > 0 ? 1 : 0;
}

for (const signal of SIGNALS) {
  process.on(signal, () => {
    // Who asks twice does not want to wait: vitest's group ends with this process.
    if (ended.signal.aborted) process.exit(128 + constants.signals[signal]);
    process.exitCode = 128 + constants.signals[signal];
    ended.abort();
  });
}

try {
  const code = await main();
  process.exitCode ??= code;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode ??= 1;
}
