import { setTimeout as delay } from "node:timers/promises";

import type { Caller } from "./caller.ts";
import { ChaosFault } from "./chaos-fault.ts";
import { checkPromises } from "./check.ts";
import { create, runClient } from "./clients.ts";
import { makeCollections, readFacts, type TaskFacts, waitForAll } from "./facts.ts";
import type { Journal } from "./journal.ts";
import type { FlakyModel } from "./model.ts";
import type { ChaosSummary, EmitChaos } from "./output.ts";
import type { Random } from "./random.ts";
import type { ChaosService } from "./service.ts";

const CLIENTS = 4;
/** Memories of the collections: one part, some, and as many as one call can add. */
const COLLECTION_SIZES = [12, 60, 100];
const DROPPED = 0.15;
const DOUBLED = 0.15;
const SEEDS = 2 ** 31;
/** Share of the kills that come before the service answers. */
const WHILE_STARTING = 0.15;
const STARTING_MS = [300, 4_000] as const;
const SERVING_MS = [500, 9_000] as const;
/** From the last kill to the end of every task; a part that failed often waits for minutes. */
const SETTLE_SECONDS_MAX = 900;

export interface Campaign {
  readonly kills: number;
  readonly seed: number;
  /** The folder of the campaign. */
  readonly state: string;
  readonly journal: Journal;
  readonly random: Random;
  readonly model: FlakyModel;
  readonly service: ChaosService;
  readonly caller: Caller;
  readonly signal: AbortSignal;
  readonly emit: EmitChaos;
}

/** Clients and kills side by side; then what is under way ends in peace, and every promise is checked. */
export async function runCampaign(campaign: Campaign): Promise<ChaosSummary> {
  const { kills, seed, journal, random, model, service, signal, emit } = campaign;
  const killsBefore = journal.of("killed").length;
  emit({ event: "begun", seed, state: campaign.state, kills, kills_before: killsBefore });
  let restarts = 0;
  const launch = (): void => {
    restarts += 1;
    // Each life ends with a kill.
    const life = journal.of("killed").length;
    service.launch(model.baseUrl(life), {
      dropped: DROPPED,
      doubled: DOUBLED,
      seed: Math.floor(random.between(0, SEEDS)),
    });
  };
  launch();
  await service.healthy(signal);
  const agentId = await sceneOf(campaign);
  const clients = runClients(campaign, agentId);
  // Told at the end of the kills: a client that gave up must not be an error that nobody handles.
  clients.catch(() => undefined);
  while (journal.of("killed").length < kills) {
    await killOnce(campaign, launch);
  }
  await service.healthy(signal);
  await clients;
  const tell = (open: number, tasks: number): void => emit({ event: "settling", open, tasks });
  await waitForAll(campaign.caller, { secondsMax: SETTLE_SECONDS_MAX, signal, tell });
  const facts = await readFacts(campaign.caller, (read, tasks) => emit({ event: "reading", read, tasks }));
  return summarize(campaign, facts, restarts);
}

/** The agent and the collections; those of a campaign that goes on are there. */
async function sceneOf({ journal, caller, seed }: Campaign): Promise<string> {
  const [begun] = journal.of("begun");
  if (begun !== undefined) return begun.agentId;
  const agentId = await makeCollections(caller, journal, COLLECTION_SIZES);
  journal.write({ kind: "begun", seed, agentId });
  return agentId;
}

async function runClients({ journal, caller, random, kills, signal }: Campaign, agentId: string): Promise<void> {
  const answered = new Set(journal.of("acknowledged").map(({ requestId }) => requestId));
  const open = journal.of("requested").filter(({ requestId }) => !answered.has(requestId));
  // What was asked for before the campaign was ended, and never answered.
  await Promise.all(open.map((request) => create(caller, journal, { agentId, random, request })));
  const enough = (): boolean => journal.of("killed").length >= kills;
  await Promise.all(
    Array.from({ length: CLIENTS }, () => runClient(caller, journal, { agentId, random, enough, signal })),
  );
}

/** The service is killed at a random moment, and started again on the same state. */
async function killOnce(
  { journal, random, service, kills, signal, emit }: Campaign,
  launch: () => void,
): Promise<void> {
  const whileStarting = random.next() < WHILE_STARTING;
  if (!whileStarting) await service.healthy(signal);
  const [least, most] = whileStarting ? STARTING_MS : SERVING_MS;
  await delay(random.between(least, most), undefined, { signal });
  await service.kill9();
  journal.write({ kind: "killed", atMs: Date.now(), whileStarting });
  emit({
    event: "killed",
    kill: journal.of("killed").length,
    of: kills,
    while_starting: whileStarting,
    tasks: new Set(journal.of("acknowledged").map(({ taskId }) => taskId)).size,
    ended: new Set(journal.of("ended").map(({ taskId }) => taskId)).size,
    model_calls: journal.of("call").length,
  });
  launch();
}

function summarize(
  { seed, journal, caller, service }: Campaign,
  facts: readonly TaskFacts[],
  restarts: number,
): ChaosSummary {
  if (restarts > 1 && service.bells.sent === 0)
    throw new ChaosFault("No bell passed the faulty queue: it was not there.");
  const promises = checkPromises(journal.entries, facts);
  const calls = journal.of("call");
  const count = (outcome: "answered" | "failed" | "cut"): number =>
    calls.filter((call) => call.outcome === outcome).length;
  const kills = journal.of("killed");
  const statuses = Map.groupBy(facts, ({ status }) => status);
  return {
    event: "summary",
    ok: promises.every(({ violations }) => violations.length === 0),
    seed,
    kills: kills.length,
    kills_while_starting: kills.filter(({ whileStarting }) => whileStarting).length,
    restarts: restarts - 1,
    tasks: Object.fromEntries([...statuses].map(([status, some]) => [status, some.length])),
    memories: facts.reduce((sum, { memories }) => sum + memories.length, 0),
    model_calls: { answered: count("answered"), failed: count("failed"), cut: count("cut") },
    model_calls_again: calls.length - new Set(calls.map(({ key }) => key)).size,
    answers_lost_in_kills: answersLost(journal),
    client_repeats: caller.repeats,
    bells: service.bells,
    promises,
  };
}

/** Calls that were answered and asked again all the same. */
function answersLost(journal: Journal): number {
  const byKey = Map.groupBy(journal.of("call"), ({ key }) => key);
  return [...byKey.values()].reduce((sum, calls) => {
    const answered = calls.filter(({ outcome }) => outcome === "answered").length;
    return sum + Math.max(0, answered - 1);
  }, 0);
}
