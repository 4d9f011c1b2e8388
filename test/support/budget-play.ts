import { env } from "cloudflare:workers";
import pLimit from "p-limit";
import { checkpoint } from "../../src/data/parts/item-store";
import { claimPart, yieldPart } from "../../src/data/parts/part-store";
import { serviceClock } from "../../src/runtime/clock";
import { openServices } from "../../src/runtime/composition";
import { LeaseKeeper } from "../../src/services/parts/lease-keeper";
import { ModelCalls } from "../../src/services/model/call-slots";
import { PartLease } from "../../src/services/parts/part-lease";
import type { RunServices } from "../../src/services/parts/part-work";
import { travelMs } from "./clock";
import { db, leasedPart } from "./leased-part";
import { rows } from "./scene";

export const PLAYED_STEPS = ["claim", "begin", "answer", "fail", "write", "yield", "crash", "beat", "sleep"] as const;
/** What is done, and which of the workers does it. */
export type Played = readonly [(typeof PLAYED_STEPS)[number], number];

const MEMORIES = 60;
const LEASE_MS = 60_000;
/** Leases end a good deal before or after a sleep does: the time that a play itself takes changes nothing. */
const SLEEP_MS = 40_000;
const HEARTBEAT_SECONDS = 15;
const RING_MS = 10_000;
const GIVEN_BACK = { restMs: 0, isUntouched: false, ringMs: RING_MS };
/** Two memories of each part are open: two calls for each, and one to see whether the model answers. */
const RESERVED_MAX = 5;

interface Worker {
  readonly lease: PartLease;
  endsAtMs: number;
  /** Begun and not ended; ended and not written. */
  open: number;
  unwritten: number;
  hasLapsed: boolean;
}

/** Consumers of one task with a budget, on the real statements, that sleep by putting the clock forward. */
export class BudgetPlay {
  /** Calls that were begun, and those of them that were open or unwritten when their lease lapsed. */
  begun = 0;
  lost = 0;
  readonly #workers: Worker[] = [];
  readonly #run: RunServices;

  private constructor(
    private readonly task: Awaited<ReturnType<typeof leasedPart>>,
    private readonly max: number,
  ) {
    const services = openServices(env);
    const limits = { ...services.limits, leaseSeconds: LEASE_MS / 1_000, heartbeatSeconds: HEARTBEAT_SECONDS };
    const leases = new LeaseKeeper({ ...services, limits }, HEARTBEAT_SECONDS);
    this.#run = {
      ...services,
      limits,
      leases,
      modelCalls: new ModelCalls({ ...services, limits }),
      stepSlot: pLimit(1),
      recallSlot: pLimit(1),
    };
  }

  static async begin(max: number): Promise<BudgetPlay> {
    const task = await leasedPart(MEMORIES, { max_model_calls: max });
    await yieldPart(db, task.lease, GIVEN_BACK);
    const done = "UPDATE task_items SET verdict = 'skipped', ended_at_ms = 1 WHERE task_id = ? AND position % 25 >= 2";
    await rows(done, task.id);
    await rows("UPDATE task_parts SET skipped = end_position - first_position - 2 WHERE task_id = ?", task.id);
    return new BudgetPlay(task, max);
  }

  async play([step, which]: Played): Promise<void> {
    if (step === "claim") return this.#claim(which);
    if (step === "beat") return this.#beat();
    if (step === "sleep") return this.#sleep();
    const worker = this.#workers[which % Math.max(1, this.#workers.length)];
    if (worker !== undefined) await this.#act(step, worker);
  }

  /** Once all leases have lapsed: what a claim is given, and what it should be given: undefined for no lease. */
  async end(): Promise<{ readonly given: number | undefined; readonly due: number | undefined }> {
    for (const { lease } of this.#workers) lease.stop();
    travelMs(2 * LEASE_MS);
    const sum =
      "SELECT sum(model_calls + extra_model_calls + unanswered_calls) AS calls FROM task_parts WHERE task_id = ?";
    const [counted] = await rows<{ calls: number }>(sum, this.task.id);
    const left = this.max - (counted?.calls ?? 0);
    const given = (await this.#take("last"))?.callsLeft ?? undefined;
    return { given, due: left > 0 ? Math.min(left, RESERVED_MAX) : undefined };
  }

  #take(token: string) {
    const { id: taskId, namespaceId } = this.task;
    return claimPart(db, { namespaceId, taskId, token, leaseMs: LEASE_MS, ringMs: RING_MS, parallelMax: 4 });
  }

  async #claim(which: number): Promise<void> {
    const token = crypto.randomUUID();
    const { id: taskId, namespaceId } = this.task;
    const endsAtMs = serviceClock.nowMs() + LEASE_MS;
    const claimed = await this.#take(token);
    if (claimed === undefined) return;
    const lease = new PartLease(this.#run, { namespaceId, taskId, part: claimed.part, token }, claimed, endsAtMs);
    lease.start(1e9);
    this.#workers.splice(which, 0, { lease, endsAtMs, open: 0, unwritten: 0, hasLapsed: false });
  }

  async #beat(): Promise<void> {
    await this.#run.leases.look();
    const sql = "SELECT lease_token, lease_expires_at_ms AS ends FROM task_parts WHERE task_id = ?";
    const held = new Map((await rows(sql, this.task.id)).map(({ lease_token, ends }) => [lease_token, Number(ends)]));
    for (const worker of this.#workers) worker.endsAtMs = held.get(worker.lease.part.token) ?? worker.endsAtMs;
  }

  #sleep(): void {
    travelMs(SLEEP_MS);
    for (const worker of this.#workers) if (worker.endsAtMs <= serviceClock.nowMs()) this.#lapse(worker);
  }

  async #act(step: Exclude<Played[0], "claim" | "beat" | "sleep">, worker: Worker): Promise<void> {
    const { calls } = worker.lease;
    if (step === "begin") this.#beginCall(worker);
    else if (step === "answer") endCall(worker, () => calls.answered({ inputTokens: 1, outputTokens: 1 }));
    else if (step === "fail") endCall(worker, () => calls.unanswered());
    else if (step === "write") await this.#write(worker);
    else if (step === "crash") {
      this.#lapse(worker);
      this.#leave(worker);
    } else if (worker.open === 0) {
      await yieldPart(db, worker.lease.part, GIVEN_BACK);
      this.#leave(worker);
    }
  }

  #beginCall(worker: Worker): void {
    if (!worker.lease.takeCall()) return;
    this.begun += 1;
    worker.open += 1;
  }

  /** A checkpoint that writes no item: it extends the lease, and counts nothing. */
  async #write(worker: Worker): Promise<void> {
    const { lease } = worker;
    const untilMs = lease.untilMs();
    const written = await checkpoint(db, lease.part, this.task.command, [], LEASE_MS);
    if (written === undefined) return;
    lease.extended(untilMs);
    worker.endsAtMs = untilMs;
  }

  #lapse(worker: Worker): void {
    if (!worker.hasLapsed) this.lost += worker.open + worker.unwritten;
    worker.hasLapsed = true;
  }

  #leave(worker: Worker): void {
    worker.lease.stop();
    this.#workers.splice(this.#workers.indexOf(worker), 1);
  }
}

function endCall(worker: Worker, tell: () => void): void {
  if (worker.open === 0) return;
  worker.open -= 1;
  worker.unwritten += 1;
  tell();
}
