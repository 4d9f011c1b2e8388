import { basename } from "node:path";

import { parse as parseWithOffsets, type ParseError } from "jsonc-parser";
import { z } from "zod";

import { DemoFault } from "./demo-fault.ts";
import { MEMORY_FIELDS, type MemoryBody, parseMemory } from "./input-memory.ts";

export interface InputMemory {
  /** How a reader finds it in the file, such as "notes.txt, line 12". */
  readonly where: string;
  readonly body: MemoryBody;
}

export interface InputCollection {
  readonly name: string;
  readonly memories: readonly InputMemory[];
}

export interface DemoInput {
  readonly collections: readonly InputCollection[];
  readonly blankLines: number;
  /** Fields of the file that no memory has, such as "speaker_age": they are left out, and the reader is told so. */
  readonly unusedFields: readonly string[];
}

interface Line {
  readonly number: number;
  readonly text: string;
}

/**
 * Reads the memories of a file: one a line (plain text), NDJSON (an object with `text`, or a string, a line), or a
 * JSON array of conversations `{ sample_id, memories: [{ id, speaker, text, occurred_at }] }`, each its own collection.
 * The content decides; the ending of the name only settles what could be either.
 *
 * @param path as the user wrote it: it begins the sentence of a fault.
 * @throws DemoFault with one sentence that names the path, and the line where there is one.
 */
export function readMemories(path: string, content: string): DemoInput {
  if (content.includes("\0")) throw new DemoFault(`${path} holds binary data, not text.`);
  const lines = content.split(/\r?\n/).map((text, index): Line => ({ number: index + 1, text }));
  // What follows the last line break is no line.
  if (lines.at(-1)?.text === "") lines.pop();
  const filled = lines.filter((line) => line.text.trim() !== "");
  if (filled.length === 0) throw new DemoFault(`${path} holds no memory: it is empty.`);

  const conversations = findConversations(path, content, filled);
  if (conversations !== undefined) return readConversations(path, conversations);
  const isNdjson = isNdjsonFile(path, filled);
  const unusedFields = new Set<string>();
  const memories = filled.map((line): InputMemory => {
    const where = `${path}, line ${line.number}`;
    const value = isNdjson ? ndjsonValue(line, where, unusedFields) : { text: line.text.trim() };
    return { where, body: parseMemory(value, where, `line-${line.number}`) };
  });
  refuseRepeatedIds(memories);
  return {
    collections: [{ name: basename(path), memories }],
    blankLines: lines.length - filled.length,
    unusedFields: [...unusedFields],
  };
}

/** The conversations, when the file is a JSON document of them; undefined when it is one of the line formats. */
function findConversations(path: string, content: string, filled: readonly Line[]): unknown[] | undefined {
  const whole = tryJson(content);
  if (Array.isArray(whole) && (path.endsWith(".json") || typeof whole[0] === "object")) return whole;
  if (isRecord(whole) && "memories" in whole) return [whole];
  const isMeantAsOne = path.endsWith(".json") ? !isNdjsonFile("", filled) : /^\s*\[\s*\{/.test(content);
  if (whole !== undefined || !isMeantAsOne) return undefined;
  throw new DemoFault(`${path}, line ${firstBrokenLine(content)}: this is not valid JSON.`);
}

function isNdjsonFile(path: string, filled: readonly Line[]): boolean {
  if (path.endsWith(".ndjson") || path.endsWith(".jsonl")) return true;
  const first = tryJson(filled[0]?.text ?? "");
  // A plain text may well begin with a line in quotation marks; only when all are quoted is it NDJSON.
  return (
    isRecord(first) || (typeof first === "string" && filled.every((line) => typeof tryJson(line.text) === "string"))
  );
}

function ndjsonValue(line: Line, where: string, unusedFields: Set<string>): unknown {
  const value = tryJson(line.text);
  if (value === undefined) throw new DemoFault(`${where}: this is not valid JSON.`);
  if (typeof value === "string") return { text: value };
  return isRecord(value) ? keepMemoryFields(value, unusedFields) : value;
}

const Conversation = z.object({
  sample_id: z.union([z.string().min(1), z.number()]).optional(),
  memories: z.array(z.unknown()).min(1),
});
const Turn = z.looseObject({
  id: z.union([z.string(), z.number()]).optional(),
  speaker: z.string().nullish(),
});

function readConversations(path: string, conversations: readonly unknown[]): DemoInput {
  if (conversations.length === 0) throw new DemoFault(`${path} holds no memory: its array is empty.`);
  const unusedFields = new Set<string>();
  const collections = conversations.map((value, index): InputCollection => {
    const parsed = Conversation.safeParse(value);
    if (!parsed.success) {
      throw new DemoFault(
        `${path}, entry ${index + 1}: a conversation must be { sample_id, memories: [at least one] }.`,
      );
    }
    const name = String(parsed.data.sample_id ?? `conversation ${index + 1}`);
    const memories = parsed.data.memories.map((turn, position): InputMemory => {
      const where = `${path}, ${name}, memory ${position + 1}`;
      return { where, body: parseMemory(turnValue(turn, unusedFields), where, `memory-${position + 1}`) };
    });
    refuseRepeatedIds(memories);
    return { name, memories };
  });
  return { collections, blankLines: 0, unusedFields: [...unusedFields] };
}

/** A turn's `id` is unique in its conversation alone, which is all that an external_id promises. */
function turnValue(turn: unknown, unusedFields: Set<string>): unknown {
  const parsed = Turn.safeParse(turn);
  if (!parsed.success) return turn;
  const { id, speaker, ...rest } = parsed.data;
  const memory = keepMemoryFields(rest, unusedFields);
  return {
    ...(id === undefined ? {} : { external_id: String(id) }),
    ...(speaker ? { metadata: { speaker } } : {}),
    ...memory,
  };
}

function keepMemoryFields(value: Record<string, unknown>, unusedFields: Set<string>): Record<string, unknown> {
  const entries = Object.entries(value);
  for (const [name] of entries) if (!MEMORY_FIELDS.has(name)) unusedFields.add(name);
  return Object.fromEntries(entries.filter(([name]) => MEMORY_FIELDS.has(name)));
}

/** The service would take the second as a change of the first, and a memory would be lost in silence. */
function refuseRepeatedIds(memories: readonly InputMemory[]): void {
  const places = new Map<string, string>();
  for (const { where, body } of memories) {
    const earlier = places.get(body.external_id);
    if (earlier !== undefined) throw new DemoFault(`${where}: the id "${body.external_id}" is that of ${earlier} too.`);
    places.set(body.external_id, where);
  }
}

function firstBrokenLine(content: string): number {
  const errors: ParseError[] = [];
  parseWithOffsets(content, errors, { disallowComments: true });
  return content.slice(0, errors[0]?.offset ?? content.length).split("\n").length;
}

/** No JSON text means `undefined`, so that can stand for "not JSON". */
function tryJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
