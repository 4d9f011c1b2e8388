import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** A schedule that broke a promise. */
export interface Failure {
  readonly file: string;
  /** The variables that replay it, such as "SCHEDULE_SEED=7 SCHEDULE_PATH=13:2:1". */
  readonly replay: string;
  /** What broke, and the shortest schedule that breaks it. */
  readonly told: string;
}

/** How far a campaign has come. */
export interface Campaign {
  readonly version: 1;
  readonly nextSeed: number;
  readonly schedules: number;
  readonly slices: number;
  readonly failures: readonly Failure[];
}

export const NEW_CAMPAIGN: Campaign = { version: 1, nextSeed: 1, schedules: 0, slices: 0, failures: [] };

/** @throws Error when the file is there and is no campaign's. */
export async function readCampaign(path: string): Promise<Campaign> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return NEW_CAMPAIGN;
    throw error;
  }
  try {
    const read: unknown = JSON.parse(text);
    if (isCampaign(read)) return read;
  } catch {
    // Told below, like any other content that is not ours.
  }
  throw new Error(`${path} is no campaign of schedules. Name another file, or remove it.`);
}

/** Whole or not at all: a campaign that is ended in the middle goes on from the slice before. */
export async function writeCampaign(path: string, campaign: Campaign): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, `${JSON.stringify(campaign, null, 2)}\n`);
  await rename(`${path}.new`, path);
}

function isCampaign(read: unknown): read is Campaign {
  if (typeof read !== "object" || read === null) return false;
  const numbers = ["nextSeed", "schedules", "slices"].map((key): unknown => Reflect.get(read, key));
  return (
    Reflect.get(read, "version") === 1 &&
    numbers.every((value) => Number.isSafeInteger(value)) &&
    Array.isArray(Reflect.get(read, "failures"))
  );
}
