import { randomUUID } from "node:crypto";
import { cp, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";

import { BenchFault } from "./bench-fault.ts";
import type { Load } from "./load.ts";
import type { LoadGenerator } from "./load-generator.ts";
import { startRuntime } from "./runtime.ts";
import { BATCHES_PATH, createFirst, HEADERS } from "./scene.ts";
import type { Subject } from "./subjects.ts";

/** What one subject did in one round. */
export interface Sample {
  /** Requests a second; of a bulk, tasks a second. */
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface RoundTools {
  readonly generator: LoadGenerator;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/**
 * A copy of the subject's own state: what earlier rounds wrote does not weigh on later ones. It stays until the bench
 * ends: ext4 passes over inodes that were freed within the last seconds one by one, so that a new object took twice as long
 * after the files of a round were removed.
 */
export async function freshState({ scene }: Pick<Subject, "scene">, workDir: string): Promise<string> {
  const stateDir = join(workDir, `round-${randomUUID()}`, "v3");
  if (scene === null) await mkdir(stateDir, { recursive: true });
  else await cp(scene.stateDir, stateDir, { recursive: true });
  return stateDir;
}

/** Starts workerd, warms it up, measures, and ends it. */
export async function runRound(subject: Subject, stateDir: string, tools: RoundTools): Promise<Sample> {
  const runtime = await startRuntime(subject.worker, stateDir);
  try {
    const requestId = await prime(subject, runtime.address);
    const load = { ...subject.load, address: runtime.address, requestId };
    const sample = await measure(subject, load, tools);
    await requirePlacement(subject, stateDir);
    return sample;
  } finally {
    await runtime.stop();
  }
}

async function prime(subject: Subject, address: string): Promise<string | null> {
  const requestId = randomUUID();
  const { body } = subject.load;
  if (subject.prime === "first-put") await createFirst(address, requestId, body);
  if (subject.prime === "post") {
    const answer = await fetch(address + BATCHES_PATH, { method: "POST", headers: { ...HEADERS, requestId }, body });
    const text = await answer.text();
    if (!answer.ok) throw new BenchFault(`The floor ${subject.name} answered ${answer.status}: ${text}`);
  }
  return subject.sameId ? requestId : null;
}

async function measure(subject: Subject, load: Omit<Load, "until">, tools: RoundTools): Promise<Sample> {
  const { generator, seconds, warmUpSeconds } = tools;
  // Of bulks only few fit into a round, and one that the end cuts off would be missing: so many are sent as fit.
  const counted = subject.tasks > 1;
  const first = await generator.run({
    ...load,
    until: counted ? { requests: load.connections } : { seconds: warmUpSeconds },
  });
  const fitting = Math.round((first.answers / first.seconds) * seconds);
  const result = await generator.run({
    ...load,
    until: counted ? { requests: Math.max(2 * load.connections, fitting) } : { seconds },
  });
  return { perSecond: (result.answers * subject.tasks) / result.seconds, p50Ms: result.p50Ms, p99Ms: result.p99Ms };
}

/** A placement that the service did not follow would be measured under a wrong name: the objects' files tell. */
async function requirePlacement({ name, placement, worker }: Subject, stateDir: string): Promise<void> {
  if (placement === null) return;
  const className = worker.bindings.durableObjects?.["TASK_REQUESTS"];
  const folder = typeof className === "object" ? `${worker.name}-${className.className}` : "";
  const files = await readdir(join(stateDir, "do", folder));
  const objects = files.filter((file) => /^[0-9a-f]{64}\.sqlite$/.test(file)).length;
  const fits = placement === "per-request" ? objects > 0 : objects === placement;
  if (!fits)
    throw new BenchFault(
      `${name} should use ${placement} objects, and used ${objects}: REQUEST_OBJECTS has no effect.`,
    );
}
