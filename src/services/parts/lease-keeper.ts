import { standingLeases } from "../../data/parts/lease-store";
import type { LeasedPart } from "../../data/parts/part-sql";
import { errorText } from "../../domain/basics/error-text";
import type { Services } from "../context";

/** A lease that is worked under. */
export interface KeptLease {
  readonly part: LeasedPart;
  /** It is not ours any more. */
  lose(): void;
  /** It was extended, and stands until then at least, by the clock of this invocation. */
  extended(untilMs: number): void;
}

/** A lease that was taken away is noticed within this time and one round trip: so soon a cancel ends the calls in flight. */
const LOOK_SECONDS = 1;

/**
 * Looks after all leases of one invocation: one statement a look, however many they are. It only reads, but extends them
 * where a heartbeat is due.
 */
export class LeaseKeeper {
  readonly #kept = new Map<KeptLease, { readonly untilMs: number }>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #lastBeatMs = 0;
  #looking = false;

  constructor(
    private readonly services: Pick<Services, "db" | "clock" | "limits" | "log">,
    private readonly lookSeconds = LOOK_SECONDS,
  ) {}

  /** Looks after it for `longestMs` at most: work that hangs must not keep its part for ever. */
  keep(lease: KeptLease, longestMs: number): void {
    const { clock, limits } = this.services;
    if (this.#kept.size === 0) {
      this.#lastBeatMs = clock.nowMs();
      const seconds = Math.min(this.lookSeconds, limits.heartbeatSeconds);
      this.#timer = setInterval(() => void this.look(), seconds * 1_000);
    }
    this.#kept.set(lease, { untilMs: clock.nowMs() + longestMs });
  }

  release(lease: KeptLease): void {
    this.#kept.delete(lease);
    if (this.#kept.size === 0) clearInterval(this.#timer ?? null);
  }

  /** One look; none while another is under way. */
  async look(): Promise<void> {
    if (this.#looking || this.#kept.size === 0) return;
    this.#looking = true;
    try {
      await this.#look();
    } catch (error) {
      // The database may answer the next look; if it does not, the leases lapse and others take the parts.
      this.services.log("warn", "heartbeat-failed", { leases: this.#kept.size, error: errorText(error) });
    } finally {
      this.#looking = false;
    }
  }

  async #look(): Promise<void> {
    const { db, clock, limits } = this.services;
    const nowMs = clock.nowMs();
    for (const [lease, { untilMs }] of this.#kept) if (nowMs > untilMs) lease.lose();
    const asked = [...this.#kept.keys()];
    const isBeat = nowMs - this.#lastBeatMs >= limits.heartbeatSeconds * 1_000;
    const extendByMs = isBeat ? limits.leaseSeconds * 1_000 : undefined;
    const parts = asked.map(({ part }) => part);
    const standing = new Set(await standingLeases(db, parts, extendByMs));
    if (isBeat) this.#lastBeatMs = nowMs;
    for (const lease of asked) {
      // One that was given back meanwhile is nobody's to lose.
      if (!this.#kept.has(lease)) continue;
      if (!standing.has(lease.part)) lease.lose();
      else if (extendByMs !== undefined) lease.extended(nowMs + extendByMs);
    }
  }
}
