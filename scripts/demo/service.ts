import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

import { Unhealthy, waitUntilHealthy } from "../dev/health.ts";
import { findFreePort, LOCAL_HOST } from "../dev/ports.ts";
import { DemoFault } from "./demo-fault.ts";

const PROJECT_ROOT = resolve(import.meta.dirname, "../..");
const START_MS_MAX = 120_000;
const TERMINATE_MS_MAX = 8_000;
const KILL_MS_MAX = 2_000;
const EXIT_POLL_MS = 50;
const OUTPUT_LINES_KEPT = 25;

export interface Service {
  readonly address: string;
  readonly key: string;
  /** Aborted, with a DemoFault, when the service ends before `stop` was called. */
  readonly lost: AbortSignal;
  /** The last lines that it wrote. */
  lastWords(): string;
  /** Ends every process of the service and removes its state. May be called again and at any time. */
  stop(): Promise<void>;
  /** As much of `stop` as is possible without waiting: for the very last moment of this process. */
  killNow(): void;
}

/**
 * Starts `npm run dev` on a free port, with a state folder and an admin key of its own, as the leader of a process
 * group of its own: ending the group ends wrangler and the runtime with it.
 */
export async function launchService(): Promise<Service> {
  const stateDir = await mkdtemp(join(tmpdir(), "refrain-demo-"));
  const port = await findFreePort();
  const key = `demo-${randomUUID()}`;
  const lost = new AbortController();
  const child = spawn(process.execPath, ["scripts/dev.ts"], {
    cwd: PROJECT_ROOT,
    detached: true,
    env: { ...process.env, PORT: String(port), STATE_DIR: stateDir, ADMIN_KEY: key, RATE_LIMIT: "off" },
    // dev.ts ends by itself when the "ipc" channel closes: even a demo that was killed outright leaves nothing behind.
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const lastWords = keepLastLines(child);
  const lose = (): void => lost.abort(new DemoFault(`The service ended by itself. Its last words:\n${lastWords()}`));
  child.once("close", lose);
  child.once("error", lose);

  let stopping: Promise<void> | undefined;
  return {
    address: `http://${LOCAL_HOST}:${port}`,
    key,
    lost: lost.signal,
    lastWords,
    stop: () => (stopping ??= endGroup(child).then(() => removeFolder(stateDir))),
    killNow: () => void signalGroup(child, "SIGKILL"),
  };
}

/** Waits until the service answers. @throws DemoFault when it ends first or takes too long. */
export async function waitUntilReady(service: Service, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.timeout(START_MS_MAX);
  try {
    await waitUntilHealthy(service.address, AbortSignal.any([signal, service.lost, limit]));
  } catch (error) {
    if (!limit.aborted && !(error instanceof Unhealthy)) throw error;
    const what = limit.aborted ? `did not answer within ${START_MS_MAX / 1000} s` : "cannot serve";
    throw new DemoFault(`The service ${what}. Its last words:\n${service.lastWords()}`);
  }
}

async function endGroup(child: ChildProcess): Promise<void> {
  signalGroup(child, "SIGTERM");
  await waitForGroupEnd(child, TERMINATE_MS_MAX);
  signalGroup(child, "SIGKILL");
  await waitForGroupEnd(child, KILL_MS_MAX);
}

async function waitForGroupEnd(child: ChildProcess, limitMs: number): Promise<void> {
  const endsAtMs = Date.now() + limitMs;
  while (signalGroup(child, 0) && Date.now() < endsAtMs) await delay(EXIT_POLL_MS);
}

/** Signals every process of the group (0 only asks). False when there is none any more. */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (child.pid === undefined) return false;
  try {
    return process.kill(-child.pid, signal);
  } catch {
    return false;
  }
}

async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

function keepLastLines(child: ChildProcess): () => string {
  let lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      lines = [...lines, ...text.split("\n").filter((line) => line.trim() !== "")].slice(-OUTPUT_LINES_KEPT);
    });
  }
  return () => lines.join("\n");
}
