import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { waitUntilHealthy } from "../dev/health.ts";
import { findFreePort, LOCAL_HOST, portFault } from "../dev/ports.ts";
import { membersOfGroup, signalGroup } from "../dev/process-group.ts";
import { PROJECT_ROOT } from "../dev/wrangler.ts";
import { ChaosFault } from "./chaos-fault.ts";

/** The service with a faulty queue; see there. */
const ENTRY = "test/bench/chaos/worker.ts";
const START_MS_MAX = 120_000;
const GONE_MS_MAX = 20_000;
const POLL_MS = 20;
const LINES_KEPT = 40;
const BELLS = /chaos-bells (\{.*\})/u;

export interface BellFaults {
  readonly sent: number;
  readonly dropped: number;
  readonly doubled: number;
}

/** Shares of the queue's messages, and what they are drawn with. */
export interface QueueFaults {
  readonly dropped: number;
  readonly doubled: number;
  readonly seed: number;
}

/** The whole service, in a process group of its own, on one port and one state over all its lives. */
export class ChaosService {
  readonly key = "chaos-admin-key";
  #child: ChildProcess | undefined;
  #lines: readonly string[] = [];
  #bells: BellFaults = { sent: 0, dropped: 0, doubled: 0 };

  readonly #port: number;
  readonly #stateDir: string;
  readonly #variables: Readonly<Record<string, string>>;

  private constructor(port: number, stateDir: string, variables: Readonly<Record<string, string>>) {
    this.#port = port;
    this.#stateDir = stateDir;
    this.#variables = variables;
  }

  static async on(stateDir: string, variables: Readonly<Record<string, string>>): Promise<ChaosService> {
    return new ChaosService(await findFreePort(), stateDir, variables);
  }

  get address(): string {
    return `http://${LOCAL_HOST}:${this.#port}`;
  }

  /** What became of the queue's messages so far. */
  get bells(): BellFaults {
    return this.#bells;
  }

  lastWords(): string {
    return this.#lines.join("\n");
  }

  /** Starts it; it may not answer yet. */
  launch(modelUrl: string, { dropped, doubled, seed }: QueueFaults): void {
    const lots = { CHAOS_DROPPED: dropped, CHAOS_DOUBLED: doubled, CHAOS_SEED: seed };
    const faults = Object.entries(lots).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
    const child = spawn(process.execPath, ["scripts/dev.ts", ENTRY, ...faults], {
      cwd: PROJECT_ROOT,
      detached: true,
      env: {
        ...process.env,
        RATE_LIMIT: "off",
        ...this.#variables,
        MODEL_BASE_URL: modelUrl,
        ADMIN_KEY: this.key,
        PORT: String(this.#port),
        STATE_DIR: resolve(this.#stateDir),
        NO_COLOR: "1",
      },
      // dev.ts ends by itself when this channel closes: a campaign that is killed outright leaves no service behind.
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (said) => this.#hear(said));
    this.#child = child;
  }

  /** Waits until it answers. @throws ChaosFault when it does not, or ends by itself; the reason of `signal`. */
  async healthy(signal: AbortSignal): Promise<void> {
    const lost = new AbortController();
    this.#child?.once("exit", () => lost.abort());
    const limits = [signal, lost.signal, AbortSignal.timeout(START_MS_MAX)];
    try {
      await waitUntilHealthy(this.address, AbortSignal.any(limits));
    } catch (error) {
      signal.throwIfAborted();
      throw new ChaosFault(`The service did not start (${String(error)}). Its last words:\n${this.lastWords()}`);
    }
  }

  /** kill -9 for the whole group: no process of it gets to do anything more. Waits until none is left. */
  async kill9(): Promise<void> {
    const child = this.#child;
    this.killNow();
    if (child?.pid === undefined) return;
    const { pid } = child;
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    const untilMs = Date.now() + GONE_MS_MAX;
    while (membersOfGroup(pid).length > 0 || (await portFault(this.#port)) !== undefined) {
      if (Date.now() > untilMs) throw new ChaosFault("A killed service is still there.");
      await delay(POLL_MS);
    }
    this.#child = undefined;
  }

  /** As much of it as is possible without waiting. */
  killNow(): void {
    signalGroup(this.#child?.pid, "SIGKILL");
  }

  #hear(said: string): void {
    const lines = said.split("\n").filter((line) => line.trim() !== "");
    for (const line of lines) {
      const found = BELLS.exec(line)?.[1];
      if (found === undefined) continue;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own Worker wrote it, in this shape
      const { sent, dropped, doubled } = JSON.parse(found) as BellFaults;
      const before = this.#bells;
      this.#bells = {
        sent: before.sent + sent,
        dropped: before.dropped + dropped,
        doubled: before.doubled + doubled,
      };
    }
    this.#lines = [...this.#lines, ...lines.filter((line) => !BELLS.test(line))].slice(-LINES_KEPT);
  }
}
