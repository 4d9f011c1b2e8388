import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { Caller } from "./chaos/caller.ts";
import { type Campaign, runCampaign } from "./chaos/campaign.ts";
import { ChaosFault } from "./chaos/chaos-fault.ts";
import { type Journal, openJournal } from "./chaos/journal.ts";
import { MODEL_TIMEOUT_SECONDS, startFlakyModel } from "./chaos/model.ts";
import { type ChaosSummary, createChaosOutput, type EmitChaos } from "./chaos/output.ts";
import { seededRandom } from "./chaos/random.ts";
import { ChaosService } from "./chaos/service.ts";
import { PROJECT_ROOT } from "./dev/wrangler.ts";
import { endOnSignals, interruption } from "./interruption.ts";
import { scriptMain } from "./script-main.ts";

const USAGE = `Kills the service at random moments while clients have memories re-voiced, and checks what it promised.

  npm run chaos                          30 kills; goes on with a campaign that was ended in the middle
  npm run chaos -- --kills 100
  npm run chaos -- --seed 7              what is random about clients, model and kills; by default drawn
  npm run chaos -- --fresh               begins a new campaign
  npm run chaos -- --keep                keeps the state at the end, also when every promise was kept
  npm run chaos -- --state PATH          where the campaign is kept; by default .wrangler/chaos
  npm run --silent chaos -- --json       one JSON object a line; the last is the summary

The exit code is 1 when a promise was broken. See test/bench/README.md.
`;

const KILLS = 30;
const SEEDS = 2 ** 31;

interface Options {
  readonly kills: number;
  readonly seed: number | undefined;
  readonly state: string;
  readonly fresh: boolean;
  readonly keep: boolean;
  readonly json: boolean;
  readonly help: boolean;
}

let service: ChaosService | undefined;

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        kills: { type: "string", default: String(KILLS) },
        seed: { type: "string" },
        state: { type: "string", default: ".wrangler/chaos" },
        fresh: { type: "boolean", default: false },
        keep: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    const seed = values.seed === undefined ? undefined : whole("seed", values.seed);
    return { ...values, kills: whole("kills", values.kills), seed, state: resolve(PROJECT_ROOT, values.state) };
  } catch (error) {
    throw new ChaosFault(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`.trimEnd());
  }
}

function whole(name: string, value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 0) return number;
  throw new ChaosFault(`--${name} must be a whole number, not "${value}".`);
}

/** The journal of the campaign that goes on, or of a new one. */
async function openCampaign({ state, fresh, seed }: Options): Promise<Journal> {
  const path = join(state, "journal.ndjson");
  if (fresh) await rm(state, { recursive: true, force: true });
  if (!existsSync(path)) return openJournal(path);
  const journal = openJournal(path);
  const [checked] = journal.of("checked");
  if (checked !== undefined) {
    const how = checked.ok ? "kept every promise" : "broke promises";
    throw new ChaosFault(`The campaign in ${state} has ended, and ${how}. Look at it, or begin anew with --fresh.`);
  }
  const [begun] = journal.of("begun");
  if (begun !== undefined && seed !== undefined && begun.seed !== seed)
    throw new ChaosFault(`The campaign in ${state} has the seed ${begun.seed}. Begin anew with --fresh.`);
  // Whoever ended it killed its service too.
  journal.write({ kind: "killed", atMs: Date.now(), whileStarting: false });
  return journal;
}

async function run(options: Options, emit: EmitChaos): Promise<ChaosSummary> {
  const { signal } = interruption;
  const journal = await openCampaign(options);
  const seed = journal.of("begun")[0]?.seed ?? options.seed ?? Math.floor(Math.random() * SEEDS);
  // A campaign that goes on must not play the same moments again.
  const random = seededRandom(seed + journal.entries.length);
  const model = await startFlakyModel(random, (call) => journal.write(call));
  try {
    service = await ChaosService.on(join(options.state, "service"), {
      LEASE_SECONDS: "3",
      HEARTBEAT_SECONDS: "1",
      MODEL_PROVIDER: "openai-compatible",
      MODEL_NAME: "flaky",
      MODEL_TIMEOUT_SECONDS: String(MODEL_TIMEOUT_SECONDS),
    });
    const caller = new Caller(service, signal);
    const campaign: Campaign = { ...options, seed, journal, random, model, service, caller, signal, emit };
    const summary = await runCampaign(campaign);
    await service.kill9();
    journal.write({ kind: "checked", ok: summary.ok });
    if (summary.ok && !options.keep) await rm(options.state, { recursive: true, force: true });
    return summary;
  } finally {
    service?.killNow();
    model.end();
  }
}

endOnSignals(() => service?.killNow());
process.exitCode = await scriptMain({
  usage: USAGE,
  readOptions,
  createOutput: createChaosOutput,
  run,
  isExplained: (cause) => cause instanceof ChaosFault,
});
process.exit();
