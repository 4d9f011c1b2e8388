import pLimit from "p-limit";
import { errorText } from "../../domain/basics/error-text";
import { within } from "../../domain/basics/time-limit";
import type { Services } from "../context";
import { ringForEnds } from "../webhooks/deliveries";
import { tellWatchers } from "./notify-watchers";

/*
 * The one place where the end of a run is told.
 *
 * Order: D1 first. An end is announced only once the row has it, so a reader who hears of it and looks finds it there.
 * Concurrency: all three are told at once, and none waits for another.
 * Failure: one that fails is logged and stops no other. Nothing is thrown: the end stands, told or not.
 * Repeat: telling again changes nothing. A wake says only "look", watchers read the same events by their cursor, and the
 * delivery has one id for each run.
 *
 * What a lost telling costs:
 * - the request object, which wakes the calls that wait: they answer when their own time is up, by a look at D1.
 * - the watchers of events: they look by themselves every 3 seconds.
 * - the bell of the webhook's delivery: the sweeper rings for what was due 30 seconds ago.
 */

/** The end of one run of a task. */
export interface RunEnd {
  readonly id: string;
  readonly run: number;
  /** As of the task: somebody watches its events until then. */
  readonly watchedUntilMs: number | null;
  /** Whether a webhook may have to be told. */
  readonly hasWebhook: boolean;
}

/**
 * Objects and watchers that one call tells: a Worker has a thousand calls in all. The others find out by themselves, as
 * after a lost telling.
 */
export const TOLD_ENDS_MAX = 200;
const TOLD_AT_ONCE = 16;
/** Also what the port of the objects takes for one: a single end is not cut short by it. */
const TELL_WITHIN_MS = 3_000;

/** Tells of an end that D1 has. May be repeated. Never throws. */
export async function announceEnd(services: Services, end: RunEnd): Promise<void> {
  await announceEnds(services, [end]);
}

/** As {@link announceEnd}, for many. Only the first {@link TOLD_ENDS_MAX} are told to objects and watchers. */
export async function announceEnds(services: Services, ends: readonly RunEnd[]): Promise<void> {
  const slot = pLimit(TOLD_AT_ONCE);
  const { requests } = services;
  const told = ends.slice(0, TOLD_ENDS_MAX).map((end) => {
    const { id, watchedUntilMs } = end;
    return slot(() =>
      Promise.all([
        attempt(services, "object", end, () => requests.ended(id)),
        attempt(services, "watchers", end, () => tellWatchers(services, id, watchedUntilMs)),
      ]),
    );
  });
  const toRing = ends.filter(({ hasWebhook }) => hasWebhook);
  const [first] = toRing;
  await Promise.all([
    within(TELL_WITHIN_MS, Promise.all(told)).catch(() => slot.clearQueue()),
    first && attempt(services, "webhook", first, () => ringForEnds(services, toRing)),
  ]);
}

async function attempt(services: Services, to: string, end: RunEnd, tell: () => Promise<void>): Promise<void> {
  try {
    await tell();
  } catch (error) {
    services.log("warn", "end-not-told", { task_id: end.id, run: end.run, to, error: errorText(error) });
  }
}
