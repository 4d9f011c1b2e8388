import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

import { z } from "zod";

/**
 * What happened, a line each, as it happened: what the service acknowledged, what the model was asked, and when something
 * was killed. A campaign that was ended goes on from it, and the promises are checked by it. Times are those of the
 * machine's clock, in milliseconds.
 */
const Entry = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("begun"), seed: z.number(), agentId: z.string() }),
  z.object({ kind: z.literal("collection"), collectionId: z.string(), memoryIds: z.array(z.string()) }),
  /** Written before the first sending: from then on it is repeated until it is answered. */
  z.object({ kind: z.literal("requested"), requestId: z.string(), collectionId: z.string() }),
  /** An answer of 200 or 201; `replayed` says which. */
  z.object({ kind: z.literal("acknowledged"), requestId: z.string(), taskId: z.string(), replayed: z.boolean() }),
  /** A cancel was answered: the task has this status from then on. */
  z.object({ kind: z.literal("canceled"), taskId: z.string(), status: z.string() }),
  /** A read has shown the end of a task. */
  z.object({ kind: z.literal("ended"), taskId: z.string(), status: z.string() }),
  /** One call of the model, written when it is over. */
  z.object({
    kind: z.literal("call"),
    key: z.string(),
    /** Which life of the service asked: told by the address that it was given, for clocks are no proof of an order. */
    life: z.number(),
    atMs: z.number(),
    overAtMs: z.number(),
    /** `answered`: the whole answer was handed to the system; `failed`: an error was; `cut`: whoever asked had gone. */
    outcome: z.enum(["answered", "failed", "cut"]),
  }),
  z.object({ kind: z.literal("killed"), atMs: z.number(), whileStarting: z.boolean() }),
  z.object({ kind: z.literal("checked"), ok: z.boolean() }),
]);
export type Entry = z.infer<typeof Entry>;
export type EntryOf<K extends Entry["kind"]> = Extract<Entry, { readonly kind: K }>;

export interface Journal {
  readonly entries: readonly Entry[];
  write(entry: Entry): void;
  of<K extends Entry["kind"]>(kind: K): readonly EntryOf<K>[];
}

/** Opens the journal of a campaign, with what is in it already. */
export function openJournal(path: string): Journal {
  mkdirSync(dirname(path), { recursive: true });
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
  const entries = lines.flatMap(parseLine);
  return {
    entries,
    write: (entry) => {
      entries.push(entry);
      appendFileSync(path, `${JSON.stringify(entry)}\n`);
    },
    of: (kind) => entriesOf(entries, kind),
  };
}

export function entriesOf<K extends Entry["kind"]>(entries: readonly Entry[], kind: K): readonly EntryOf<K>[] {
  return entries.filter((entry): entry is EntryOf<K> => entry.kind === kind);
}

/** A line that a kill of this script cut short tells nothing. */
function parseLine(line: string): readonly Entry[] {
  try {
    return [Entry.parse(JSON.parse(line))];
  } catch {
    return [];
  }
}
