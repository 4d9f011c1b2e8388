import { errorText } from "../../../domain/basics/error-text";
import type { Task } from "../../../domain/tasks/task";
import type { TaskEvent } from "../../../domain/tasks/task-event";
import type { Services } from "../../../services/context";
import { lookAtWatched, type WatchedSight } from "../../../services/tasks/read-watched-task";
import type { WatchRefusal } from "../../../services/ports/task-watchers";
import { type Batch, Watcher } from "./event-stream";

export interface WatchLimits {
  readonly watchersPerTask: number;
  readonly watchersPerObject: number;
  /** How often it looks by itself: what was told and lost is seen then. */
  readonly lookMs: number;
  /** After so long without an event a stream says that it is there. */
  readonly beatMs: number;
  /** A reader that has taken nothing for so long is cut off. */
  readonly stalledMs: number;
}

/** Whoever changes the task tells of it for so long; said again well before that ends. */
const WATCHED_FOR_MS = 150_000;
const SAY_AGAIN_MS = 60_000;
/** Events that one look reads, and one read of a stream gives. */
const EVENTS_A_LOOK_MAX = 500;
const EVENTS_A_READ_MAX = 100;

interface WatchParts {
  readonly services: Services;
  readonly limits: WatchLimits;
  readonly of: { readonly namespaceId: string; readonly taskId: string };
  /** Events that may be kept in memory for this task now. */
  readonly tailMax: () => number;
  /** Whether the object takes one more watcher. */
  readonly hasRoom: () => boolean;
  /** Called when a watcher has gone. */
  readonly left: () => void;
}

/** A task while somebody watches it: read once for all its watchers, with its last events in memory. */
export class TaskWatch {
  readonly #watchers = new Set<Watcher>();
  readonly #history = new Map<number, Promise<Batch>>();
  #task: Task | undefined;
  /** Its tombstone is there, and nothing else. */
  #isRemoved = false;
  /** The last events, without a gap. */
  #tail: TaskEvent[] = [];
  #over = false;
  #isLoaded = false;
  #opening = 0;
  #sayAgainAtMs = 0;
  #lookedAtMs = 0;
  #looking: Promise<void> | undefined;
  #again = false;

  constructor(private readonly parts: WatchParts) {}

  get taskId(): string {
    return this.parts.of.taskId;
  }

  get size(): number {
    return this.#watchers.size;
  }

  get isIdle(): boolean {
    return this.#watchers.size === 0 && this.#opening === 0;
  }

  /** @throws when the task cannot be read. */
  async open(after: number | null): Promise<{ readonly kind: "stream"; readonly watcher: Watcher } | WatchRefusal> {
    this.#opening += 1;
    try {
      // An end may have been followed by an invoke; and who names an event beyond those in memory may have seen it.
      const isStale = !this.#isLoaded || this.#over || (after ?? 0) > this.#last;
      if (isStale) await (this.#looking ?? this.look());
      return this.#admit(after);
    } finally {
      this.#opening -= 1;
    }
  }

  #admit(after: number | null): ReturnType<TaskWatch["open"]> extends Promise<infer Answer> ? Answer : never {
    const { limits, hasRoom, services } = this.parts;
    const task = this.#task;
    if (task === undefined) return { kind: this.#isRemoved ? "removed" : "missing" };
    if (after !== null && after > this.#last) return { kind: "ahead", last: this.#last };
    if (after === this.#last && this.#over) return { kind: "over" };
    if (this.#watchers.size >= limits.watchersPerTask) return { kind: "task-full" };
    if (!hasRoom()) return { kind: "object-full" };
    const source = { after: (sequence: number) => this.#after(sequence) };
    const leave = (watcher: Watcher) => {
      this.#watchers.delete(watcher);
      this.parts.left();
    };
    const snapshot = after === null ? task : null;
    const watcher = new Watcher({ source, nowMs: () => services.clock.nowMs(), leave, snapshot, after: after ?? 0 });
    this.#watchers.add(watcher);
    return { kind: "stream", watcher };
  }

  /** Reads what is new. Asked while it reads, it reads once more for all who asked. @throws when it cannot be read. */
  look(): Promise<void> {
    this.#again = true;
    this.#looking ??= this.#lookUntilCalm().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** The net below what is told: looks by itself. Never throws. */
  async tick(): Promise<void> {
    for (const watcher of this.#watchers) watcher.tick(this.parts.limits);
    const isDue = this.parts.services.clock.nowMs() - this.#lookedAtMs >= this.parts.limits.lookMs;
    if (isDue && this.#watchers.size > 0 && this.#looking === undefined) await this.lookQuietly();
  }

  /** Never throws: the next look may succeed. */
  async lookQuietly(): Promise<void> {
    await this.look().catch((error: unknown) => {
      this.parts.services.log("warn", "watch-look-failed", { task_id: this.taskId, error: errorText(error) });
    });
  }

  get #last(): number {
    return this.#tail.at(-1)?.sequence ?? 0;
  }

  async #lookUntilCalm(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      await this.#lookOnce();
    }
  }

  async #lookOnce(): Promise<void> {
    const { services, of, tailMax } = this.parts;
    const nowMs = services.clock.nowMs();
    const isToSay = nowMs >= this.#sayAgainAtMs;
    const after = this.#isLoaded ? this.#last : null;
    const limit = after === null ? tailMax() : EVENTS_A_LOOK_MAX;
    const sight = await lookAtWatched(services, of, { after, limit, watchedForMs: isToSay ? WATCHED_FOR_MS : null });
    this.#isLoaded = true;
    this.#lookedAtMs = nowMs;
    if (isToSay) this.#sayAgainAtMs = nowMs + SAY_AGAIN_MS;
    this.#isRemoved = sight !== undefined && sight.task === undefined;
    if (sight === undefined || isGap(after, sight)) return this.#lose(sight?.task);
    this.#task = sight.task;
    this.#over = sight.over;
    // Of a task that has ended it was not said; its next run is to be watched again.
    if (sight.over) this.#sayAgainAtMs = 0;
    this.#again ||= sight.more;
    this.#tail.push(...sight.events);
    this.#tail.splice(0, this.#tail.length - tailMax());
    for (const watcher of this.#watchers) watcher.wake();
  }

  /** There is nothing more to be told of it: it was removed, with events that nobody here has seen. */
  #lose(task: Task | undefined): void {
    this.#task = task;
    this.#tail = [];
    this.#over = true;
    for (const watcher of this.#watchers) watcher.end();
  }

  #after(sequence: number): Batch | Promise<Batch> {
    if (sequence >= this.#last) return this.#over && !this.#again ? "over" : [];
    const first = this.#tail[0]?.sequence ?? 0;
    const from = sequence + 1 - first;
    return from < 0 ? this.#before(sequence) : this.#tail.slice(from, from + EVENTS_A_READ_MAX);
  }

  /** Events that are not in memory any more; read once for all who want the same at the same time. */
  #before(sequence: number): Promise<Batch> {
    const reading = this.#history.get(sequence);
    if (reading !== undefined) return reading;
    const read = this.#read(sequence).finally(() => this.#history.delete(sequence));
    this.#history.set(sequence, read);
    return read;
  }

  async #read(after: number): Promise<Batch> {
    const { services, of } = this.parts;
    try {
      const sight = await lookAtWatched(services, of, { after, limit: EVENTS_A_LOOK_MAX, watchedForMs: null });
      return sight === undefined || sight.events.length === 0 || isGap(after, sight) ? "over" : sight.events;
    } catch (error) {
      services.log("warn", "watch-read-failed", { task_id: this.taskId, error: errorText(error) });
      return "over";
    }
  }
}

/** Events were removed before they were seen. */
function isGap(after: number | null, { events }: WatchedSight): boolean {
  return after !== null && events[0] !== undefined && events[0].sequence !== after + 1;
}
