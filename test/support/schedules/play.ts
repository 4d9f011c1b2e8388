import { perform } from "./acts";
import { answerOf } from "./answers";
import { crash } from "./objects";
import { newPlay, type Play, type Stage } from "./stage";
import { type Step, textOf } from "./steps";
import { advance, hurry } from "./time";

const LOOK_MS = 5;
/** After so long without a move, while a call is stalled or hangs, what is under way waits for it. */
const STILL_MS = 40;
/** The shortened time limits end before this. */
const STILL_WITH_HANGING_MS = 300;
/** Nothing real takes so long. */
const ACT_MS_MAX = 15_000;
const DAY_MS = 86_400_000;
/** So that no tombstone ends within a schedule. */
const DAYS_WAITED_MAX = 280;

/** Plays a schedule's steps. */
export async function playSteps(stage: Stage, steps: readonly Step[]): Promise<Play> {
  const play = await newPlay(stage);
  for (const step of steps) {
    const seenBefore = lengths(play);
    const fired = play.control.fired.length;
    await take(play, step);
    const answers = play.ledger.subjects.flatMap(({ seen }, at) => seen.slice(seenBefore[at]).map(answerOf));
    const hits = play.control.fired.slice(fired).map((hit) => `    ! ${hit}`);
    play.ledger.say([`${textOf(step)}${answers.length > 0 ? ` -> ${answers.join(", ")}` : ""}`, ...hits].join("\n"));
  }
  return play;
}

const lengths = (play: Play) => play.ledger.subjects.map(({ seen }) => seen.length);

async function take(play: Play, step: Step): Promise<void> {
  const { control } = play;
  switch (step.do) {
    case "together":
      return start(
        play,
        step.acts.map((act) => perform(play, act)),
      );
    case "fault":
      if (step.fault.kind === "hangs") {
        hurry(true);
        // What is only slow may meet a shortened limit too.
        play.troubled = true;
      }
      control.armed.push({ fault: step.fault, seen: 0 });
      return;
    case "release":
      return start(play, [release(play, step.which)]);
    case "crash": {
      const subject = play.subjects[step.id];
      play.troubled = true;
      if (subject !== undefined) await crash(subject.taskId);
      return;
    }
    case "lose-bell":
      control.bells.shift();
      return;
    case "wait":
      return wait(play, step.ms);
    default:
      return start(play, [perform(play, step)]);
  }
}

function wait(play: Play, ms: number): void {
  const days = Math.floor(ms / DAY_MS);
  if (play.daysWaited + days > DAYS_WAITED_MAX) return;
  play.daysWaited += days;
  advance(ms);
}

export async function release(play: Play, which = 0): Promise<void> {
  const [stall] = play.control.stalls.splice(Math.min(which, Math.max(0, play.control.stalls.length - 1)), 1);
  await stall?.release();
}

/** Begins work, and comes back when it is done, or when nothing moves any more because of a call that is stalled. */
export async function start(play: Play, work: readonly Promise<void>[]): Promise<void> {
  const all = Promise.all(work).then(() => undefined);
  // Whoever waits for it is told; until then it is only kept.
  const kept = all.finally(() => play.pending.delete(kept));
  play.pending.add(kept);
  kept.catch(() => undefined);
  await settledOrBlocked(play, kept);
}

async function settledOrBlocked(play: Play, work: Promise<void>): Promise<void> {
  const { control } = play;
  const done = work.then(() => true);
  const giveUpAt = performance.now() + ACT_MS_MAX;
  let moves = control.moves;
  let movedAt = performance.now();
  for (;;) {
    const look = new Promise<false>((resolve) => setTimeout(() => resolve(false), LOOK_MS));
    if (await Promise.race([done, look])) return;
    const now = performance.now();
    if (now > giveUpAt) throw new Error(`A step did not end in ${ACT_MS_MAX} ms.`);
    if (moves !== control.moves) [moves, movedAt] = [control.moves, now];
    const still = control.hung > 0 ? STILL_WITH_HANGING_MS : STILL_MS;
    if (control.stalls.length + control.hung > 0 && now - movedAt > still) return;
  }
}
