import { DurableObject } from "cloudflare:workers";
import { errorText } from "../../../domain/basics/error-text";
import type { Task } from "../../../domain/tasks/task";
import type { Services } from "../../../services/context";
import { countSeenCalls } from "../../../services/creation/count-calls";
import { createTogether, type FlyingCall } from "../../../services/creation/flight";
import { crowdAnswer } from "../../../services/creation/crowd";
import type * as Port from "../../../services/ports/task-requests";
import { waitForTask } from "../../../services/tasks/wait-for-task";
import { courteous, openServices } from "../../composition";
import { Batcher, TooManyWaiting } from "./batcher";
import { CallCounts } from "./call-counts";
import { Waiters } from "./waiters";

/**
 * The meeting place of a request id, or of many: one creation of an id at a time, one answer for all who ask together,
 * creations of many ids in one transaction; and it wakes calls that wait.
 *
 * It keeps nothing: no storage, and no alarm. The row in D1 is the claim. Losing the object at any instant, or having two of
 * them for one id, changes no promise.
 */
export class TaskRequestObject extends DurableObject<Env> {
  readonly #services: Services;
  readonly #creations: Batcher<FlyingCall, Port.CreationAnswer>;
  readonly #counts: CallCounts;
  readonly #waiters = new Waiters();

  constructor(ctx: DurableObjectState, env: Env, services: Services = openServices(env)) {
    super(ctx, env);
    // Calls wait for no bell.
    this.#services = courteous(services, (work) => ctx.waitUntil(work));
    this.#creations = new Batcher(
      ({ taskId }) => taskId,
      (calls) => createTogether(this.#services, calls),
    );
    this.#counts = new CallCounts((counts) => countSeenCalls(this.#services, counts));
  }

  create(calls: readonly Port.CreationCall[], bulk: Port.CalledBulk | null): Promise<readonly Port.CreationAnswer[]> {
    return Promise.all(calls.map((call) => this.#create({ ...call, bulk })));
  }

  /** One that fails is no matter of the others. */
  async #create(call: FlyingCall): Promise<Port.CreationAnswer> {
    try {
      const answer = await this.#creations.add(call);
      if (answer.kind === "replayed") this.#counts.add(call.taskId, "replays");
      if (answer.kind === "mismatch" && !answer.isOfBulk) this.#counts.add(call.taskId, "mismatches");
      return answer;
    } catch (error) {
      if (error instanceof TooManyWaiting && !call.isSecondTry) return crowdAnswer();
      this.#services.log("error", "creation-failed", { task_id: call.taskId, error: errorText(error) });
      return { kind: "unproven", reason: errorText(error) };
    }
  }

  /** A run of the task ended: calls that wait look at its row. */
  ended(taskId: string): void {
    this.#waiters.wake(taskId);
  }

  /**
   * The task when it has ended, or as it is after the time. It registers first and then looks, so no wake can fall between.
   * A wake says only "look": it may be that of a former run.
   */
  async waitForEnd(
    of: { readonly namespaceId: string; readonly taskId: string },
    timeoutMs: number,
  ): Promise<Task | undefined> {
    const waiter = this.#waiters.register(of.taskId);
    try {
      return await waitForTask(this.#services, of, { next: waiter.next, timeoutMs });
    } finally {
      waiter.leave();
    }
  }

  /** Answers when the object can be reached; touches nothing. */
  ping(): boolean {
    return true;
  }
}
