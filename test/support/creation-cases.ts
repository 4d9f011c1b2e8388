import pLimit from "p-limit";
import { until } from "./api";
import { aroundCases, type Running, running } from "./creation-around";
import { type Creation, newCreation, type Sent } from "./creation-client";
import { type Outcome, outcomeOf } from "./creation-outcome";
import { type Place, RING, roleOf, type Sending } from "./creation-places";
import type { Case } from "./creation-strikes";
import { arm, disarm, type Fault, land, seeCalls } from "./faults";

/** Cases under way at once: most of them only wait for a limit of time. */
const CASES_AT_ONCE = 120;
const END_WITHIN_MS = 120_000;
/** A client that tries again: seldom enough that many cases leave the machine to the Worker. */
const REPEAT_EVERY_MS = 200;
const LOOK_EVERY_MS = 50;

/** The calls of a creation without a fault, from the PUT until its bell is taken, and the read-back of a lost answer. */
export async function placesOfCreation(sending: Sending = "one"): Promise<readonly Place[]> {
  const healthy = await pathOf(sending, undefined);
  const lost = await pathOf(
    sending,
    healthy.find(({ role }) => role === "write"),
  );
  const readBack = lost.filter(({ role }) => role === "read-back");
  return healthy.flatMap((place) => (place.role === "write" ? [place, ...readBack] : [place]));
}

/** @param lost the call whose answer is lost. */
async function pathOf(sending: Sending, lost: Place | undefined): Promise<readonly Place[]> {
  const creation = await newCreation(sending, true);
  const { seen, end } = seeCalls(creation.scope);
  const fault = lost && arm("fails-after", lost.label, 1, { scope: creation.scope });
  await creation.put(() => true);
  const isTaken = (label: string, at: number) => roleOf(label) === "look" && labels().slice(0, at).includes(RING);
  const labels = () => seen.map(({ label }) => label);
  await until(
    async () => labels(),
    (all) => all.some(isTaken),
  );
  disarm(fault);
  creation.done();
  end();
  const path = labels().slice(0, labels().findIndex(isTaken) + 1);
  return [...new Set(path)].flatMap((label) => {
    const role = roleOf(label);
    return role === undefined ? [] : [{ role, label }];
  });
}

async function strike({ strikes, met }: Case, sending: Sending): Promise<Outcome> {
  const ownKey = strikes.some(({ place }) => place.role === "key");
  const creation = await newCreation(sending, ownKey);
  const faults: Fault[] = [];
  for (const { kind, place } of strikes) {
    const after = faults.at(-1);
    const fromObject = place.role === "ring" && kind.startsWith("crashes");
    const limits = { scope: creation.scope, exactly: true, fromObject, ...(after && { after }) };
    faults.push(arm(kind, place.label, 1, limits));
  }
  const one: Running = { taskIds: creation.taskIds, faults, strikes, waitingSinceMs: undefined, hasEnded: false };
  running.add(one);
  const sent: Sent[] = [];
  const acknowledged = () => putUntilAcknowledged(creation, sent, () => (faults[0]?.fired ?? 1) > 0);
  const areMet = () => faults.filter(({ fired }) => fired > 0).length >= met;
  try {
    await acknowledged();
    await landAll(faults);
    one.waitingSinceMs = Date.now();
    await until(async () => one.hasEnded, Boolean, END_WITHIN_MS, LOOK_EVERY_MS);
    await creation.forget();
    await until(async () => areMet() || (await acknowledged(), areMet()), Boolean, END_WITHIN_MS, REPEAT_EVERY_MS);
    disarm(...faults);
    await landAll(faults);
    const replays = await acknowledged();
    return await outcomeOf(creation, { faults, sent, replays });
  } finally {
    running.delete(one);
    creation.done();
  }
}

async function landAll(faults: readonly Fault[]): Promise<void> {
  for (const fault of faults) await land(fault);
}

/** Sends the same creation until all of it is acknowledged, as a client does that gets 503. */
function putUntilAcknowledged({ put }: Creation, sent: Sent[], isStruck: () => boolean): Promise<readonly Sent[]> {
  const send = async () => {
    const answers = await put(isStruck);
    sent.push(...answers);
    return answers;
  };
  return until(send, (answers) => answers.every(({ status }) => status !== 503), END_WITHIN_MS, REPEAT_EVERY_MS);
}

/** Runs all cases, many side by side. @returns what came of each, with as many of its faults as can be met. */
export async function strikeAll(cases: readonly Case[], sending: Sending): Promise<(of: Case) => Outcome> {
  const slot = pLimit(CASES_AT_ONCE);
  const outcomes = new Map<Case, Outcome | Error>();
  const run = async (each: Case) => {
    outcomes.set(each, await strike(each, sending).catch((error: unknown) => new Error(String(error))));
  };
  await aroundCases(() => Promise.all(cases.map((each) => slot(() => run(each)))));
  return (each) => {
    const outcome = outcomes.get(each);
    if (outcome === undefined || outcome instanceof Error) throw outcome ?? new Error(`Not run: ${each.name}`);
    return { ...outcome, fired: outcome.fired.slice(0, each.met) };
  };
}
