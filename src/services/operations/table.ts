import type { References } from "../../data/requests/creation-read-store";
import { planCursor, planItems } from "../../data/parts/plan-store";
import { NOTHING_SEEN } from "../../domain/memories/memory-figures";
import type { Commands, CursorOperation, Operation, TaskCursor } from "../../domain/tasks/operations";
import { analyzePart } from "./collection-work/analyze";
import type { Services } from "../context";
import { PART_MEMORIES } from "../../domain/tasks/task";
import { exportPart } from "./export-import/export";
import { importPart } from "./export-import/import";
import type { PartRun, RunServices, TurnOutcome } from "../parts/part-work";
import { collectionOf, planImport, planWhole } from "./collection-work/plan";
import { planReVoicing, referencesOf } from "./re-voicing/plan";
import { rebuildPart } from "./collection-work/rebuild";
import { reVoicePart } from "./re-voicing/work-on-part";
import type { Inputs } from "../ports/task-input";

export interface ReferredIds {
  readonly agentIds: readonly string[];
  readonly collectionIds: readonly string[];
}

/** What a task of an operation goes through. Everything else is the same for all. */
interface OperationWork<O extends Operation> {
  /** The ids of what it refers to: they are read for `resolve`. */
  readonly referencesOf: (input: Inputs[O]) => ReferredIds;
  /** Checks what it refers to, and freezes what it will do. @throws ServiceError the refusal. */
  readonly resolve: (
    task: { readonly id: string; readonly namespaceId: string },
    input: Inputs[O],
    references: References,
  ) => Promise<Commands[O]>;
  /** Fixes its parts, once. @returns how many of them may be worked on at once; 0 when another call has planned it. */
  readonly plan: (services: Services, task: PlannedTask, command: Commands[O]) => Promise<number>;
  /** Works on one part for one turn. */
  readonly work: (services: RunServices, run: PartRun<O>) => Promise<TurnOutcome>;
}

interface PlannedTask {
  readonly taskId: string;
  readonly namespaceId: string;
  readonly ringMs: number;
}

const WORK: { readonly [O in Operation]: OperationWork<O> } = {
  "re-voice": {
    referencesOf,
    resolve: ({ id, namespaceId }, input, references) => planReVoicing(id, namespaceId, input, references),
    plan: async (services, task, command) => {
      const items = await planItems(services.db, { ...task, command });
      return items === undefined ? 0 : Math.min(services.limits.parallelParts, Math.ceil(items / PART_MEMORIES));
    },
    work: reVoicePart,
  },
  export: {
    referencesOf: collectionOf,
    resolve: async ({ namespaceId }, input, references) => planWhole(namespaceId, input, references),
    plan: (services, task, { collectionId }) => {
      const result = { collectionId, memories: 0, bytes: 0, pieces: [] };
      return planOne<"export">(services, task, { step: 0, at: null, result }, collectionId);
    },
    work: exportPart,
  },
  import: {
    referencesOf: collectionOf,
    resolve: async ({ namespaceId }, input, references) => planImport(namespaceId, input, references),
    plan: (services, task, { collectionId }) => {
      const result = { collectionId, created: 0, updated: 0, skipped: 0, refused: 0, errors: [] };
      return planOne<"import">(services, task, { step: 0, at: { offset: 0, line: 0, ids: null }, result }, null);
    },
    work: importPart,
  },
  analyze: {
    referencesOf: collectionOf,
    resolve: async ({ namespaceId }, input, references) => planWhole(namespaceId, input, references),
    plan: (services, task, { collectionId }) => {
      const { figures, seenTexts } = NOTHING_SEEN;
      const cursor = { step: 0, at: { after: null, seenTexts }, result: { collectionId, figures } };
      return planOne<"analyze">(services, task, cursor, collectionId);
    },
    work: analyzePart,
  },
  rebuild: {
    referencesOf: collectionOf,
    resolve: async ({ namespaceId }, input, references) => planWhole(namespaceId, input, references),
    plan: (services, task, { collectionId }) =>
      planOne<"rebuild">(services, task, { step: 0, at: null, result: { collectionId, memories: 0 } }, collectionId),
    work: rebuildPart,
  },
};

/** What goes by a cursor is one part: the next step follows from the last. */
async function planOne<O extends CursorOperation>(
  services: Services,
  task: PlannedTask,
  cursor: TaskCursor<O>,
  countOf: string | null,
): Promise<number> {
  return (await planCursor(services.db, { ...task, cursor, countOf })) ? 1 : 0;
}

export function workOf<O extends Operation>(operation: O): OperationWork<O> {
  return WORK[operation];
}
