import { findAgentDeletions } from "../../../data/agents/agent-store";
import { findHomes, type ImportedRow } from "../../../data/memories/import-store";
import { importedMemoryIdOf, newId } from "../../../domain/ids";
import type { FilePlace } from "../../../domain/tasks/operations";
import type { Services } from "../../context";
import type { ReadLine } from "./import-lines";
import { digestOf } from "../../memories/memory-keys";
import type { GivenMemory } from "../../ports/ports";

/** A line, and what it comes to: a memory to add, or why it is refused. The line about the collection is neither. */
export interface CheckedLine {
  readonly line: ReadLine;
  readonly row?: ImportedRow;
  readonly refusal?: string;
}

interface Target {
  readonly namespaceId: string;
  readonly collectionId: string;
  readonly ids: FilePlace["ids"];
}

/** A task keeps up to 100 refusals, and writes them at every step. */
const REFUSAL_CHARACTERS_MAX = 300;
const NO_AGENT = "agent_id: there is no such agent. Make it first, or leave the field out.";
const ID_TAKEN = "memory_id: its place is taken by a memory of another collection. Leave the field out.";
const HEAD_AMIDST = "The line about a collection may only be the first.";

/**
 * Checks what lines refer to, and gives each memory its id. A memory keeps the id that the file says, where it is free or
 * in this collection already; else it gets one that follows from that id and the collection, the same at each import.
 * Links lead to the memories under their ids here.
 */
export async function checkLines(
  services: Services,
  target: Target,
  lines: readonly ReadLine[],
): Promise<{ readonly lines: readonly CheckedLine[]; readonly ids: FilePlace["ids"] }> {
  const given = lines.flatMap((line) => (line.given.kind === "memory" ? [line.given.memory] : []));
  const agentIds = [...new Set(given.flatMap(({ agentId }) => agentId ?? []))];
  const [names, agents] = await Promise.all([
    Names.of(services, target, given),
    agentIds.length === 0 ? new Map<string, null>() : findAgentDeletions(services.db, target.namespaceId, agentIds),
  ]);
  const check = async (line: ReadLine): Promise<CheckedLine> => {
    const { given } = line;
    if (given.kind === "fault") return { line, refusal: clipped(given.detail) };
    if (given.kind === "collection") return line.number === 1 ? { line } : { line, refusal: HEAD_AMIDST };
    const { memory } = given;
    if (memory.agentId !== null && !agents.has(memory.agentId)) return { line, refusal: NO_AGENT };
    const id = memory.id === null ? newId("memory") : names.idOf(memory.id);
    if (names.isElsewhere(id)) return { line, refusal: ID_TAKEN };
    return { line, row: await toRow(id, memory, line.sameKey, names) };
  };
  return { lines: await Promise.all(lines.map(check)), ids: names.ids };
}

/** A fault may name a key of the line, which may be as long as the line; and what is kept of it is bounded. */
function clipped(detail: string): string {
  if (detail.length <= REFUSAL_CHARACTERS_MAX) return detail;
  return `${detail.slice(0, REFUSAL_CHARACTERS_MAX).toWellFormed()}…`;
}

async function toRow(id: string, memory: GivenMemory, sameKey: string | null, names: Names): Promise<ImportedRow> {
  const { id: _, createdAtMs, accessedAtMs, accessCount, source, ...given } = memory;
  const content = { ...given, childMemoryIds: memory.childMemoryIds.map((child) => names.idOf(child)) };
  const digest = sameKey === null ? null : await digestOf(content);
  const times = { createdAtMs, accessedAtMs, accessCount };
  return { ...content, ...times, id, source, sameKey, digest };
}

/** Under which id each memory of a file is in the collection. */
class Names {
  private constructor(
    private readonly collectionId: string,
    /** Whether memories that are nowhere yet will keep their ids: so links may lead to what comes later. */
    readonly ids: FilePlace["ids"],
    private readonly derived: ReadonlyMap<string, string>,
    private readonly homes: ReadonlyMap<string, string>,
  ) {}

  static async of(services: Services, target: Target, memories: readonly GivenMemory[]): Promise<Names> {
    const { collectionId } = target;
    const known = [
      ...new Set(memories.flatMap(({ id, childMemoryIds }) => [...(id === null ? [] : [id]), ...childMemoryIds])),
    ];
    const derived = new Map(
      await Promise.all(known.map(async (id) => [id, await importedMemoryIdOf(collectionId, id)] as const)),
    );
    const homes =
      known.length === 0 ? new Map<string, string>() : await findHomes(services.db, [...known, ...derived.values()]);
    const first = memories.find(({ id }) => id !== null)?.id;
    const decided = first && (homes.get(first) ?? collectionId) !== collectionId ? "derived" : "kept";
    return new Names(collectionId, target.ids ?? (first ? decided : null) ?? null, derived, homes);
  }

  isElsewhere(id: string): boolean {
    return (this.homes.get(id) ?? this.collectionId) !== this.collectionId;
  }

  idOf(given: string): string {
    const derived = this.derived.get(given) ?? given;
    if (this.homes.get(given) === this.collectionId) return given;
    if (this.homes.get(derived) === this.collectionId) return derived;
    return this.homes.has(given) || this.ids === "derived" ? derived : given;
  }
}
