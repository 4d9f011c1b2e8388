import type { TaskBudget } from "./budget";
import type { FiguresSoFar, MemoryFigures } from "../memories/memory-figures";
import type { MemorySettings } from "../recall/memory-settings";
import type { Position } from "../page";
import type { Voice } from "../agents/voice";

export const OPERATIONS = ["re-voice", "export", "import", "analyze", "rebuild"] as const;
export type Operation = (typeof OPERATIONS)[number];

export type OnItemError = "continue" | "fail";
export type OnLineError = "stop" | "skip";

/** The agent as it was when the task was created. */
export interface FrozenAgent {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly persona: string | null;
  readonly voice: Voice;
}

/** What a re-voicing does, resolved and frozen at creation: later changes of the agent do not reach it. */
export interface ReVoiceCommand {
  readonly operation: "re-voice";
  readonly agent: FrozenAgent;
  readonly collectionId: string;
  /** An existing collection, or (with a name) one that the run makes and the end binds to the agent. */
  readonly target: { readonly collectionId: string; readonly newName: string | null };
  /** The agent's bound collections, without the target. */
  readonly boundCollectionIds: readonly string[];
  readonly sourceMemorySettings: MemorySettings;
  readonly agentMemorySettings: MemorySettings;
  readonly instructions: string | null;
  readonly onItemError: OnItemError;
  /** Absent in commands that were frozen before there were budgets. */
  readonly budget?: TaskBudget;
}

/** Work that goes through the memories of one collection. */
export interface CollectionCommand<O extends "export" | "analyze" | "rebuild"> {
  readonly operation: O;
  readonly collectionId: string;
}

/** A file that was stored before its task was created. */
export interface StoredFile {
  readonly name: string;
  readonly bytes: number;
  /** Lines that are not blank. */
  readonly lines: number;
}

export interface ImportCommand {
  readonly operation: "import";
  readonly collectionId: string;
  readonly file: StoredFile;
  readonly onLineError: OnLineError;
}

/** What each operation is told. */
export interface Commands {
  readonly "re-voice": ReVoiceCommand;
  readonly export: CollectionCommand<"export">;
  readonly import: ImportCommand;
  readonly analyze: CollectionCommand<"analyze">;
  readonly rebuild: CollectionCommand<"rebuild">;
}
export type TaskCommand = Commands[Operation];

export interface ReVoiceTally {
  readonly collectionId: string;
  /** New memories written, flagged ones among them. */
  readonly reVoiced: number;
  readonly flagged: number;
  readonly skipped: number;
  readonly failed: number;
}

export interface ExportTally {
  readonly collectionId: string;
  readonly memories: number;
  readonly bytes: number;
  /** The names of the pieces of the file, in their order. */
  readonly pieces: readonly string[];
}

/** The first faults of a file are kept, and all are counted. */
export const LINE_ERRORS_MAX = 100;

export interface LineError {
  /** From 1, blank lines counted. */
  readonly line: number;
  readonly detail: string;
}

export interface ImportTally {
  readonly collectionId: string;
  readonly created: number;
  readonly updated: number;
  readonly skipped: number;
  readonly refused: number;
  /** At most {@link LINE_ERRORS_MAX}. */
  readonly errors: readonly LineError[];
}

export interface AnalyzeTally {
  readonly collectionId: string;
  readonly figures: MemoryFigures;
}

export interface RebuildTally {
  readonly collectionId: string;
  readonly memories: number;
}

/** What each operation has to tell at its end, or so far. */
export interface Tallies {
  readonly "re-voice": ReVoiceTally;
  readonly export: ExportTally;
  readonly import: ImportTally;
  readonly analyze: AnalyzeTally;
  readonly rebuild: RebuildTally;
}
export type TaskResult = { readonly [O in Operation]: Tallies[O] & { readonly operation: O } }[Operation];

/** Operations whose work is no list of items: one part, and a cursor that says how far it has come. */
export type CursorOperation = Exclude<Operation, "re-voice">;

/** Where an import stands in its file. */
export interface FilePlace {
  /** Bytes before the next line. */
  readonly offset: number;
  /** Lines before it. */
  readonly line: number;
  /** Whether the memories keep the ids of the file; null until the first memory that has one is seen. */
  readonly ids: "kept" | "derived" | null;
}

/** What each operation remembers of its way: the last memory, or the place in a file. */
export interface Places {
  readonly export: Position | null;
  readonly import: FilePlace;
  readonly analyze: { readonly after: Position | null; readonly seenTexts: FiguresSoFar["seenTexts"] };
  readonly rebuild: Position | null;
}

/** The checkpoint of a part that goes by a cursor. */
export interface TaskCursor<O extends CursorOperation = CursorOperation> {
  /** How many steps were written: the fence of the next. */
  readonly step: number;
  readonly at: Places[O];
  /** What the task's result is if it ends here. */
  readonly result: Tallies[O];
  /** For the statements of a step alone: how many rows the last one changed. */
  readonly changed?: number;
}
