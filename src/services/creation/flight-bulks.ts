import type { Standing } from "../../data/requests/creation-read-store";
import type { BulkEntry, CreationEntry } from "../../data/requests/creation-write-store";
import type { FlyingCall } from "./flight";

/**
 * The bulks of one round of a flight. Of two under one request id with other items one writes, and what then stands decides
 * for the other: the guard of an item sees no row that is written after it.
 */
export class FlightBulks {
  readonly #calls: readonly FlyingCall[];
  readonly #isAccepted: (call: FlyingCall) => boolean;
  /** By the id of a bulk: the fingerprint of the one that writes. */
  readonly #writing = new Map<string, string>();

  /** @param isAccepted whether the row of an item stands. */
  constructor(calls: readonly FlyingCall[], isAccepted: (call: FlyingCall) => boolean) {
    this.#calls = calls;
    this.#isAccepted = isAccepted;
    for (const call of calls) if (isAccepted(call)) this.write(call);
  }

  /** Whether the item may be written in this round. */
  mayWrite({ bulk }: FlyingCall): boolean {
    return bulk === null || (this.#writing.get(bulk.id) ?? bulk.fingerprint) === bulk.fingerprint;
  }

  write({ bulk }: FlyingCall): void {
    if (bulk !== null && !this.#writing.has(bulk.id)) this.#writing.set(bulk.id, bulk.fingerprint);
  }

  /** The row of a bulk is written with the first of its items that is accepted, whoever made that. */
  toWrite(read: Standing, entries: readonly CreationEntry[]): readonly BulkEntry[] {
    const inserted = new Set(entries.map(({ task }) => task.id));
    const items = this.#calls.filter((call) => call.bulk !== null && this.mayWrite(call));
    const byBulk = Map.groupBy(items, ({ bulk }) => `${bulk?.id} ${bulk?.fingerprint}`);
    return [...byBulk.values()].flatMap((calls) => {
      const bulk = calls[0]?.bulk;
      const accepted = calls.filter((call) => inserted.has(call.taskId) || this.#isAccepted(call));
      if (!bulk || accepted.length === 0 || (read.requests.get(bulk.id)?.fingerprint ?? null) !== null) return [];
      return [{ ...bulk, items: accepted.map(({ taskId: id, fingerprint }) => ({ id, fingerprint })) }];
    });
  }
}
