import { rows } from "../scene";
import { ask, deliver, perform } from "./acts";
import type { Subject } from "./ledger";
import { release, start } from "./play";
import type { Play } from "./stage";
import { advance, hurry } from "./time";

/** Longer than the sweeper ever waits before it rings again. */
const ROUND_MS = 800_000;
const ROUNDS_MAX = 12;

/** No more faults; what is stalled goes on; then time passes and everything rings until nothing is left to do. */
export async function heal(play: Play): Promise<void> {
  const { control } = play;
  control.armed = [];
  await look(play);
  // Now in the order in which they were held, now in the other: nobody promises one.
  const newestFirst = play.ledger.trace.length % 2 === 1;
  while (control.stalls.length > 0) await start(play, [release(play, newestFirst ? control.stalls.length - 1 : 0)]);
  const hung = control.hung > 0;
  // A caller of what hangs for ever never hears of it.
  if (!hung) await Promise.all(play.pending);
  hurry(false);
  control.hung = 0;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    await deliverAll(play);
    if (control.bells.length === 0 && (await isQuiet(play))) return;
    advance(ROUND_MS);
    await perform(play, { do: "sweep" });
  }
  play.ledger.say(`(not quiet after ${ROUNDS_MAX} rounds of healing)`);
}

/** What was acknowledged must be seen before anything is healed. */
async function look(play: Play): Promise<void> {
  for (const subject of play.ledger.touched) {
    await ask(play, subject, { asked: "get" });
    if (subject.requestId !== null) await ask(play, subject, { asked: "get-request" });
  }
}

async function deliverAll(play: Play): Promise<void> {
  const { control } = play;
  for (let before = Infinity; control.bells.length > 0 && control.bells.length < before;) {
    // Of equal bells one is enough, by the protocol: losing the others changes nothing.
    control.bells = control.bells.filter((bell, at, all) => all.findIndex((other) => same(bell, other)) === at);
    before = control.bells.length;
    await deliver(play, "all");
  }
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Whether all rows have come to their ends. */
async function isQuiet(play: Play): Promise<boolean> {
  const ids = play.ledger.touched.map(({ taskId }) => taskId);
  const marks = ids.map(() => "?").join(", ");
  const open = await rows(`SELECT id FROM tasks WHERE ended_at_ms IS NULL AND id IN (${marks})`, ...ids);
  if (open.length > 0) return false;
  const known = await Promise.all(play.ledger.touched.map((subject) => isSettled(play, subject)));
  return known.every(Boolean);
}

async function isSettled(play: Play, subject: Subject): Promise<boolean> {
  if (subject.requestId === null) return true;
  await ask(play, subject, { asked: "get-request" });
  const { code, kept } = subject.seen.at(-1) ?? {};
  if (code === 404) return true;
  if (code === 200) return kept === true;
  return code === 410;
}
