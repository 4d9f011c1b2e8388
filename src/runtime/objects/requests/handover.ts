import { parseOwnJson } from "../../../domain/basics/own-json";
import type { Services } from "../../../services/context";
import type { Claims } from "./claims";
import { BLANK, type ClaimRow, parseRow, toRecord } from "./claim-record";
import { DAY_MS } from "./claim-driver";

/** A record on its way to another object: its row, and the invokes that had an id of their own. */
export interface Parcel {
  readonly row: ClaimRow;
  readonly invokes: readonly { readonly id: string; readonly run: number }[];
}

/**
 * `given`: the record, which is the other object's from now on. `nothing`: there is none, and with `refuse` there never
 * will be one here. `elsewhere`: it was given to a third object.
 */
export type HandoverAnswer =
  | { readonly kind: "given"; readonly parcel: string }
  | { readonly kind: "nothing" }
  | { readonly kind: "elsewhere"; readonly object: string };

/** The giving side of a change of placement. Each method is synchronous: no call can come in between. */
export class Handover {
  constructor(
    private readonly claims: Claims,
    private readonly services: Services,
    private readonly change: (change: () => void) => void,
  ) {}

  /**
   * Gives a record away, and refuses its id from then on. Repeatable: until the other side has said that it has it, it
   * is given again.
   * @throws RecordUnreadable
   */
  give(taskId: string, to: string, refuse: boolean): HandoverAnswer {
    const row = this.claims.findRow(taskId);
    const record = row && toRecord(row);
    if (row === undefined || record === undefined) {
      if (refuse) this.#leave(taskId, to, null);
      return { kind: "nothing" };
    }
    if (record.state === "moved") {
      if (record.to !== to) return { kind: "elsewhere", object: record.to };
      return record.parcel === null ? { kind: "nothing" } : { kind: "given", parcel: record.parcel };
    }
    const parcel = JSON.stringify({ row, invokes: this.claims.invokes.list(taskId) } satisfies Parcel);
    this.#leave(taskId, to, parcel);
    return { kind: "given", parcel };
  }

  /** The other side has it: only the word that the id is refused here stays. */
  given(taskId: string, to: string): void {
    const row = this.claims.findRow(taskId);
    const record = row && toRecord(row);
    if (record?.state === "moved" && record.to === to && record.parcel !== null) this.#leave(taskId, to, null);
  }

  /** Takes a record in, unless there is one by now. It is due at once: what the former object had begun may be undone. */
  take(parcel: string): void {
    const { row, invokes } = parseOwnJson<Parcel>(parcel);
    const checked = parseRow(row);
    const known = this.claims.findRow(checked.task_id);
    if (known !== undefined && known.state !== "moved") return;
    this.change(() => {
      this.claims.put({ ...checked, due_at_ms: dueOf(checked, this.services.clock.nowMs()) });
      for (const { id, run } of invokes) this.claims.invokes.add(checked.task_id, id, run);
    });
  }

  #leave(taskId: string, to: string, parcel: string | null): void {
    const { clock, limits } = this.services;
    const nowMs = clock.nowMs();
    // As long as any tombstone of the other side may stand.
    const keepUntilMs = nowMs + (limits.retentionDays + limits.tombstoneDays) * DAY_MS;
    const times = { first_seen_at_ms: nowMs, last_seen_at_ms: nowMs, keep_until_ms: keepUntilMs };
    const mark = { ...BLANK, ...times, task_id: taskId, request_id: "", state: "moved" as const, moved_to: to };
    this.change(() => {
      this.claims.put({ ...mark, task: parcel ?? "null", due_at_ms: keepUntilMs });
      this.claims.invokes.drop(taskId);
    });
  }
}

function dueOf(row: ClaimRow, nowMs: number): number | null {
  return row.ended === 1 || row.state !== "claimed" ? row.due_at_ms : nowMs;
}
