import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, vi } from "vitest";
import { Unhealthy, waitUntilHealthy } from "../../scripts/dev/health.ts";
import { findFreePort, LOCAL_HOST, portFault } from "../../scripts/dev/ports.ts";
import { membersOfGroup, signalGroup } from "../../scripts/dev/process-group.ts";
import { PROJECT_ROOT } from "../../scripts/dev/wrangler.ts";

const START_MS_MAX = 90_000;
const TERMINATE_MS_MAX = 20_000;
const GONE_MS_MAX = 20_000;
const POLL_MS = 20;
const OUTPUT_CHARACTERS_MAX = 200_000;
const LAST_WORDS_LINES = 60;

export interface ServiceOptions {
  /** Variables of the environment. The service has a port, a state and a key of its own; undefined takes a default away. */
  readonly variables?: Readonly<Record<string, string | undefined>>;
  /** The folder of the project that is started; default: this one. */
  readonly project?: string;
  /** Default: `node scripts/dev.ts`, which is what `npm run dev` runs. */
  readonly command?: readonly [string, ...string[]];
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed JSON; the text when it is none; null when there is no body. */
  readonly body: any;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the service's admin key. */
  readonly key?: string;
}

/**
 * The whole service as a user starts it, in a process group of its own, on a port of its own, with a state folder of
 * its own that outlives `kill9`.
 */
export class Service {
  readonly key: string;
  readonly #options: ServiceOptions;
  // oxlint-disable-next-line typescript/no-redundant-type-constituents -- the linter knows no Node types in this folder
  #child: ChildProcess | undefined;
  #port: number | undefined;
  #stateDir: string | undefined;
  #output = "";
  readonly #killAtExit = (): void => void signalGroup(this.#child?.pid, "SIGKILL");

  constructor(options: ServiceOptions = {}) {
    this.#options = options;
    this.key = options.variables?.["ADMIN_KEY"] ?? `e2e-${randomUUID()}`;
  }

  get port(): number {
    if (this.#port === undefined) throw new Error("The service was never started.");
    return this.#port;
  }

  get address(): string {
    return `http://${LOCAL_HOST}:${this.port}`;
  }

  get stateDir(): string {
    if (this.#stateDir === undefined) throw new Error("The service was never started.");
    return this.#stateDir;
  }

  /** What it has written, over all its starts. */
  get output(): string {
    return this.#output;
  }

  get lastWords(): string {
    return this.#output.split("\n").slice(-LAST_WORDS_LINES).join("\n");
  }

  /** Starts it, on the same port and the same state as before, and waits until it answers. */
  async start(): Promise<void> {
    this.#port ??= await findFreePort();
    this.#stateDir ??= await mkdtemp(join(tmpdir(), "refrain-e2e-"));
    process.on("exit", this.#killAtExit);
    const child = this.#spawn(this.port, this.#stateDir);
    this.#child = child;
    const lost = new AbortController();
    const lose = (): void => lost.abort(new Error("it ended by itself"));
    child.once("error", lose).once("exit", lose);
    try {
      await waitUntilHealthy(this.address, AbortSignal.any([lost.signal, AbortSignal.timeout(START_MS_MAX)]));
    } catch (error) {
      // It has seen the same answer, and ends with its reason: killed at once, it may not have said it yet.
      if (error instanceof Unhealthy) await once(child, "close", { signal: AbortSignal.timeout(GONE_MS_MAX) });
      await this.kill9();
      throw new Error(`The service did not start: ${String(error)}. Its last words:\n${this.lastWords}`, {
        cause: error,
      });
    }
  }

  /** kill -9 for the whole group: no process of it gets to do anything more. Waits until the port is free. */
  async kill9(): Promise<void> {
    signalGroup(this.#child?.pid, "SIGKILL");
    await this.gone();
  }

  /** Sends the group a signal, as Ctrl-C in a terminal does. */
  signal(signal: NodeJS.Signals): void {
    signalGroup(this.#child?.pid, signal);
  }

  /** Waits until no process of the group lives and nothing listens on the port. */
  async gone(): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined) return;
    const { pid } = child;
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    await vi.waitUntil(() => membersOfGroup(pid).length === 0, { timeout: GONE_MS_MAX, interval: POLL_MS });
    await vi.waitUntil(async () => (await portFault(this.port)) === undefined, {
      timeout: GONE_MS_MAX,
      interval: POLL_MS,
    });
    this.#child = undefined;
    process.off("exit", this.#killAtExit);
  }

  /** Ends it, by force when it does not end by itself, and removes its state. */
  async stop(): Promise<void> {
    const pid = this.#child?.pid;
    if (pid !== undefined && signalGroup(pid, "SIGTERM")) {
      const ended = () => membersOfGroup(pid).length === 0;
      await vi.waitUntil(ended, { timeout: TERMINATE_MS_MAX, interval: POLL_MS }).catch(() => undefined);
    }
    await this.kill9();
    if (this.#stateDir !== undefined) await rm(this.#stateDir, { recursive: true, force: true, maxRetries: 5 });
    this.#stateDir = undefined;
  }

  /** One HTTP call. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { body, headers, key = this.key } = options;
    const response = await fetch(`${this.address}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = /json/.test(response.headers.get("content-type") ?? "") && text !== "";
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text || null };
  }

  #spawn(port: number, stateDir: string): ChildProcess {
    const { project = PROJECT_ROOT, command, variables } = this.#options;
    const [program, ...args] = command ?? [process.execPath, "scripts/dev.ts"];
    const child = spawn(program, args, {
      cwd: project,
      detached: true,
      env: {
        ...process.env,
        RATE_LIMIT: "off",
        ADMIN_KEY: this.key,
        ...variables,
        PORT: String(port),
        STATE_DIR: stateDir,
        NO_COLOR: "1",
      },
      // dev.ts ends by itself when this channel closes: a test run that is killed leaves no service behind.
      stdio: command === undefined ? ["ignore", "pipe", "pipe", "ipc"] : ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-OUTPUT_CHARACTERS_MAX);
      });
    }
    return child;
  }
}

/** A service for the tests of one file: started before them, ended after them, its last words shown when one fails. */
export function useService(options: ServiceOptions = {}): Service {
  const service = new Service(options);
  beforeAll(() => service.start());
  afterEach(({ task }) => {
    if (task.result?.state === "fail") console.error(`The service's last words:\n${service.lastWords}`);
  });
  afterAll(() => service.stop());
  return service;
}
