import type { RequestRecord } from "../../../services/ports/task-requests";
import type { Seen } from "./claims";

const WRITTEN_WITHIN_MS = 60_000;

/** Counts of replays and mismatches, held in memory until the alarm writes them: a replay costs no write. */
export class SeenCounts {
  #counts = new Map<string, Seen>();
  #firstAtMs: number | null = null;

  add(taskId: string, more: Seen): void {
    const before = this.#counts.get(taskId);
    this.#firstAtMs ??= more.lastSeenAtMs;
    this.#counts.set(taskId, {
      lastSeenAtMs: more.lastSeenAtMs,
      replays: (before?.replays ?? 0) + more.replays,
      mismatches: (before?.mismatches ?? 0) + more.mismatches,
    });
  }

  /** When they are to be written, or null when there are none. */
  dueAtMs(): number | null {
    return this.#firstAtMs === null ? null : this.#firstAtMs + WRITTEN_WITHIN_MS;
  }

  flush(write: (taskId: string, seen: Seen) => void): void {
    for (const [taskId, seen] of this.#counts) write(taskId, seen);
    this.#counts = new Map();
    this.#firstAtMs = null;
  }

  addTo(record: RequestRecord): RequestRecord {
    const seen = this.#counts.get(record.taskId);
    if (seen === undefined) return record;
    return {
      ...record,
      lastSeenAtMs: Math.max(record.lastSeenAtMs, seen.lastSeenAtMs),
      replayCount: record.replayCount + seen.replays,
      mismatchCount: record.mismatchCount + seen.mismatches,
    };
  }
}
