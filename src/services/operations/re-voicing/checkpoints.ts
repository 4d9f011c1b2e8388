import { errorText } from "../../../domain/basics/error-text";
import { checkpoint, type Checkpointed, type ItemResult } from "../../../data/parts/item-store";
import { NO_USAGE } from "../../../domain/tasks/task";
import type { ReVoiceCommand } from "../../../domain/tasks/operations";
import type { Services } from "../../context";
import type { PartLease } from "../../parts/part-lease";
import { tellWatchers } from "../../tasks/notify-watchers";

/** A write waits so long for results that end about the same time: less than a write takes where the database is far. */
const GATHER_MS = 25;

/**
 * Writes results as they end, those that end together in one round trip: while a write is under way, further results
 * gather for the next.
 */
export class Checkpoints {
  readonly #writtenIds: string[] = [];
  #gathered: ItemResult[] = [];
  #writing: Promise<void> | undefined;

  constructor(
    private readonly services: Services,
    private readonly lease: PartLease,
    private readonly command: ReVoiceCommand,
  ) {}

  /** The memories that were written so far. */
  get writtenIds(): readonly string[] {
    return this.#writtenIds;
  }

  /** Resolves when this result is durable, or the lease is lost. @throws when the database fails twice. */
  async add(result: ItemResult): Promise<void> {
    this.#gathered.push(result);
    // A write that is under way took its results before this one came; the next takes this one along.
    // Whether it failed is for its own results to say.
    await this.#writing?.catch(() => undefined);
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    await this.#writing;
  }

  async #write(): Promise<void> {
    // What ends meanwhile comes along; no call of the model waits for it.
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    const results = this.#gathered;
    this.#gathered = [];
    if (results.length === 0 || this.lease.lost) return;
    const standsUntilMs = this.lease.untilMs();
    const stands = await this.#writeTwice(results);
    if (stands === undefined) return this.lease.lose();
    this.lease.extended(standsUntilMs);
    for (const { position, usage } of results)
      this.lease.calls.written(stands.openPositions.includes(position) ? NO_USAGE : usage, stands.tokensLeft);
    // The work does not wait for it: at the end of the part they are told once more.
    void tellWatchers(this.services, this.lease.part.taskId, stands.watchedUntilMs);
    this.#writtenIds.push(...results.flatMap(({ memory }) => (memory === null ? [] : [memory.id])));
  }

  /** A write error is ambiguous, and a checkpoint repeatable: so it is repeated once before the part is given back. */
  async #writeTwice(results: readonly ItemResult[]): Promise<Checkpointed | undefined> {
    const leaseMs = this.services.limits.leaseSeconds * 1_000;
    const write = () => checkpoint(this.services.db, this.lease.part, this.command, results, leaseMs);
    try {
      return await write();
    } catch (error) {
      this.services.log("warn", "checkpoint-repeated", { task_id: this.lease.part.taskId, error: errorText(error) });
      return write();
    }
  }
}
