import { MEMORIES_PER_CALL_MAX } from "../../../domain/memories/memory";
import type { FileLine, FileLines } from "./file-lines";
import { sameKeyOf } from "../../memories/memory-keys";
import type { GivenLine, GivenMemory, MemoryFormat } from "../../ports/ports";
import { JsonFault, parseStrictJson } from "../../basics/strict-json";

/** The JSON of a step's memories is one value of a statement, of which D1 takes 2 MB. */
const STEP_BYTES_MAX = 400_000;
/** Refused lines cost no write, but must not make a step endless. */
const STEP_LINES_MAX = 10 * MEMORIES_PER_CALL_MAX;

/** A line that is not blank, and what it says. */
export interface ReadLine {
  /** From 1. */
  readonly number: number;
  /** Bytes of the file up to its end. */
  readonly end: number;
  readonly given: GivenLine;
  /** Two memories of a collection with the same key are the same memory. Null where their source says so. */
  readonly sameKey: string | null;
}

/** The memories of a file, as many at once as one step writes. */
export class ImportLines {
  #held: ReadLine | undefined;
  #atEnd = false;

  constructor(
    private readonly lines: FileLines,
    private readonly format: MemoryFormat,
  ) {}

  /** True when all lines were taken. */
  get atEnd(): boolean {
    return this.#atEnd;
  }

  /** A step ends before the external id of an earlier line comes again: one statement gives a memory one content. */
  async take(): Promise<readonly ReadLine[]> {
    const taken: ReadLine[] = [];
    const externalIds = new Set<string>();
    let memories = 0;
    while (taken.length < STEP_LINES_MAX && memories < MEMORIES_PER_CALL_MAX) {
      const line = this.#held ?? (await this.#next());
      this.#held = undefined;
      this.#atEnd = line === undefined;
      if (line === undefined) break;
      const externalId = line.given.kind === "memory" ? line.given.memory.externalId : null;
      const isFull = line.end - (taken[0]?.end ?? line.end) > STEP_BYTES_MAX;
      if (isFull || (externalId !== null && externalIds.has(externalId))) {
        this.#held = line;
        break;
      }
      if (externalId !== null) externalIds.add(externalId);
      if (line.given.kind === "memory") memories += 1;
      taken.push(line);
    }
    return taken;
  }

  async #next(): Promise<ReadLine | undefined> {
    for (;;) {
      const line = await this.lines.next();
      if (line === undefined) return undefined;
      if (line.text?.trim() === "") continue;
      const given = readLine(line, this.format);
      const sameKey = given.kind === "memory" ? await keyOf(given.memory) : null;
      return { number: line.number, end: line.end, given, sameKey };
    }
  }
}

/** A re-voiced memory without an external id is known by its source: equal texts stay two memories. */
async function keyOf(memory: GivenMemory): Promise<string | null> {
  return memory.source !== null && memory.externalId === null ? null : sameKeyOf(memory);
}

function readLine({ text }: FileLine, format: MemoryFormat): GivenLine {
  if (text === null) return { kind: "fault", detail: "The line is too long, or is not UTF-8." };
  try {
    return format.readLine(parseStrictJson(text));
  } catch (error) {
    if (error instanceof JsonFault) return { kind: "fault", detail: error.message };
    throw error;
  }
}
