import type { Task } from "../../../domain/tasks/task";
import type { TaskEvent } from "../../../domain/tasks/task-event";
import type { WatchRecord } from "../../../services/ports/task-watchers";

/** Where a watcher's events come from. */
export interface EventSource {
  /** What comes after a sequence: empty when nothing does yet, "over" when nothing will. */
  after(sequence: number): Batch | Promise<Batch>;
}

interface WatcherParts {
  readonly source: EventSource;
  readonly nowMs: () => number;
  /** Called once, when the stream has ended, whoever ended it. */
  readonly leave: (watcher: Watcher) => void;
  /** Shown first, where there is one. */
  readonly snapshot: Task | null;
  /** The sequence after which the events begin. */
  readonly after: number;
}

export type Batch = readonly TaskEvent[] | "over";

const encoder = new TextEncoder();

/**
 * One stream of a task's events, in lines of JSON. It keeps no queue: it takes what comes next when its reader asks. So
 * a slow reader costs no memory, and the events of all watchers are the same in memory.
 */
export class Watcher {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #parts: WatcherParts;
  #snapshot: Task | null;
  #sent: number;
  #controller: ReadableByteStreamController | undefined;
  #wake: (() => void) | undefined;
  #beatDue = false;
  #left = false;
  /** When it last gave something to its reader. */
  #gaveAtMs: number;

  constructor(parts: WatcherParts) {
    this.#parts = parts;
    this.#snapshot = parts.snapshot;
    this.#sent = parts.after;
    this.#gaveAtMs = parts.nowMs();
    this.stream = new ReadableStream({
      type: "bytes",
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => this.#leave(),
    });
  }

  /** There are events, or the end. */
  wake(): void {
    this.#wake?.();
  }

  /** Says that it is there when nothing happens; ends it when its reader takes nothing for so long. */
  tick({ beatMs, stalledMs }: { readonly beatMs: number; readonly stalledMs: number }): void {
    const silentMs = this.#parts.nowMs() - this.#gaveAtMs;
    if (this.#wake === undefined) {
      if (silentMs >= stalledMs) this.end();
      return;
    }
    if (silentMs < beatMs) return;
    this.#beatDue = true;
    this.wake();
  }

  /** Ends the stream: its reader goes on by its cursor, if it wants. */
  end(): void {
    if (this.#left) return;
    this.#leave();
    this.#controller?.close();
    // A read that waits for bytes is not told of the close otherwise.
    this.#controller?.byobRequest?.respond(0);
  }

  #leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.wake();
    this.#parts.leave(this);
  }

  async #pull(): Promise<void> {
    const records = await this.#next();
    if (this.#left) return;
    if (records === undefined) return this.end();
    this.#gaveAtMs = this.#parts.nowMs();
    this.#controller?.enqueue(encoder.encode(records.map((record) => `${JSON.stringify(record)}\n`).join("")));
  }

  /** @returns undefined at the end. */
  async #next(): Promise<readonly WatchRecord[] | undefined> {
    if (this.#snapshot !== null) {
      const snapshot = this.#snapshot;
      this.#snapshot = null;
      return [{ kind: "snapshot", task: snapshot }];
    }
    while (!this.#left) {
      const found = this.#parts.source.after(this.#sent);
      const batch = found instanceof Promise ? await found : found;
      if (batch === "over") return undefined;
      this.#sent = batch.at(-1)?.sequence ?? this.#sent;
      if (batch.length > 0) return batch.map((event) => ({ kind: "event", event }));
      if (this.#beatDue) {
        this.#beatDue = false;
        return [{ kind: "beat" }];
      }
      // Without an await since the look above: what comes from now on wakes it.
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    return undefined;
  }
}
