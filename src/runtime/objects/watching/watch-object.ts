import { DurableObject } from "cloudflare:workers";
import { errorText } from "../../../domain/basics/error-text";
import { parseOwnJson } from "../../../domain/basics/own-json";
import type { Services } from "../../../services/context";
import { WATCHERS_PER_TASK_MAX } from "../../../services/tasks/task-events";
import type { WatchRequest } from "../../../services/ports/task-watchers";
import { openServices } from "../../composition";
import { TaskWatch, type WatchLimits } from "./watched-task";
import { type NoStream, STREAM_TYPE } from "../../adapters/watch-answer";

const WATCH_LIMITS: WatchLimits = {
  watchersPerTask: WATCHERS_PER_TASK_MAX,
  watchersPerObject: 1_000,
  lookMs: 3_000,
  beatMs: 15_000,
  stalledMs: 60_000,
};
/** How often it is looked which of these times are over. */
const TICKS_A_LOOK = 3;

/** Events in the memory of one object, of all tasks that are watched there, and of one task. Each is some 300 bytes. */
const EVENTS_IN_MEMORY = 50_000;
const TAIL_MAX = 1_000;
const TAIL_MIN = 50;

/**
 * Holds the streams of those who watch tasks: one of a fixed number of objects, for many tasks. It keeps nothing in
 * storage: when it is restarted its streams end, and their readers go on by their cursors at the next.
 */
export class TaskWatchObject extends DurableObject<Env> {
  readonly #watches = new Map<string, TaskWatch>();
  readonly #services: Services;
  readonly #limits: WatchLimits;
  #ticker: ReturnType<typeof setInterval> | undefined;

  constructor(
    ctx: DurableObjectState,
    env: Env,
    services: Services = openServices(env),
    limits: WatchLimits = WATCH_LIMITS,
  ) {
    super(ctx, env);
    this.#services = services;
    this.#limits = limits;
  }

  /**
   * Takes a {@link WatchRequest}. An HTTP answer, and not the value of a call: of a stream that is returned by a call, the
   * object is not told that its reader has left until it writes again (tried, with workerd of November 2026).
   */
  override async fetch(request: Request): Promise<Response> {
    const answer = await this.#watch(parseOwnJson<WatchRequest>(await request.text()));
    if (!(answer instanceof ReadableStream)) return Response.json(answer);
    return new Response(answer, { headers: { "Content-Type": STREAM_TYPE } });
  }

  /** Never throws. What the caller may see is decided here, from what was read for all. */
  async #watch({ namespaceId, taskId, after }: WatchRequest): Promise<ReadableStream<Uint8Array> | NoStream> {
    if (!this.#hasRoom()) return { kind: "object-full" };
    const key = `${namespaceId} ${taskId}`;
    const watch = this.#watches.get(key) ?? this.#begin(key, { namespaceId, taskId });
    try {
      const answer = await watch.open(after);
      return answer.kind === "stream" ? answer.watcher.stream : answer;
    } catch (error) {
      this.#services.log("warn", "watch-failed", { task_id: taskId, error: errorText(error) });
      return { kind: "unavailable" };
    } finally {
      this.#drop(key, watch);
    }
  }

  /** The task has changed. Answers at once; what is new is read for all its watchers together. */
  tell(taskId: string): void {
    for (const watch of this.#watches.values()) if (watch.taskId === taskId) void watch.lookQuietly();
  }

  #begin(key: string, of: { readonly namespaceId: string; readonly taskId: string }): TaskWatch {
    const watch = new TaskWatch({
      services: this.#services,
      limits: this.#limits,
      of,
      tailMax: () => Math.max(TAIL_MIN, Math.min(TAIL_MAX, Math.floor(EVENTS_IN_MEMORY / this.#watches.size))),
      hasRoom: () => this.#hasRoom(),
      left: () => this.#drop(key, watch),
    });
    this.#watches.set(key, watch);
    this.#ticker ??= setInterval(() => void this.#tick(), this.#limits.lookMs / TICKS_A_LOOK);
    return watch;
  }

  /** Forgets a task that nobody watches any more. */
  #drop(key: string, watch: TaskWatch): void {
    if (!watch.isIdle || this.#watches.get(key) !== watch) return;
    this.#watches.delete(key);
    if (this.#watches.size > 0) return;
    clearInterval(this.#ticker ?? null);
    this.#ticker = undefined;
  }

  #hasRoom(): boolean {
    const sizes = [...this.#watches.values()].map(({ size }) => size);
    return sizes.reduce((sum, size) => sum + size, 0) < this.#limits.watchersPerObject;
  }

  async #tick(): Promise<void> {
    await Promise.all([...this.#watches.values()].map((watch) => watch.tick()));
  }
}
