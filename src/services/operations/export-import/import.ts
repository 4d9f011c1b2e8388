import { errorText } from "../../../domain/basics/error-text";
import { importMemories } from "../../../data/memories/import-store";
import { type ImportTally, LINE_ERRORS_MAX, type LineError, type TaskCursor } from "../../../domain/tasks/operations";
import type { Services } from "../../context";
import { type Step, workByCursor } from "../../parts/cursor-work";
import { embedStored } from "../../vectors/embed-memories";
import { FileLines } from "./file-lines";
import { filesOfTask } from "../../tasks/task-files";
import { type CheckedLine, checkLines } from "./check-lines";
import { ImportLines } from "./import-lines";
import { type PartRun, type RunServices, TaskFault, type TurnOutcome } from "../../parts/part-work";

/**
 * Adds the memories of a file to a collection, up to 100 a step, by the rules of an add. Memories, counts and the place
 * in the file are written at once, so that nothing is doubled or lost, wherever a crash comes.
 */
export async function importPart(services: RunServices, run: PartRun<"import">): Promise<TurnOutcome> {
  let lines: ImportLines | undefined;
  const outcome = await workByCursor(services, run, (cursor) => {
    lines ??= new ImportLines(
      new FileLines(services.files, run.command.file, cursor.at, fileGone),
      services.memoryFormat,
    );
    return takeStep(services, run, cursor, lines);
  });
  if (outcome === "finished") await forgetFile(services, run.lease.part.taskId);
  return outcome;
}

/** Its work is done. What is left behind goes with the task. */
async function forgetFile(services: Services, taskId: string): Promise<void> {
  await services.files.removeAll(filesOfTask(taskId)).catch((error: unknown) => {
    services.log("warn", "file-not-removed", { task_id: taskId, error: errorText(error) });
  });
}

async function takeStep(
  services: Services,
  { command, lease }: PartRun<"import">,
  { at, result }: TaskCursor<"import">,
  lines: ImportLines,
): Promise<Step<"import">> {
  const { collectionId, onLineError, file } = command;
  const target = { namespaceId: lease.part.namespaceId, collectionId, ids: at.ids };
  const checked = await checkLines(services, target, await lines.take());
  const stopsAt = onLineError === "stop" ? checked.lines.find(({ refusal }) => refusal !== undefined) : undefined;
  const taken = stopsAt === undefined ? checked.lines : checked.lines.slice(0, checked.lines.indexOf(stopsAt));
  const rows = taken.flatMap(({ row }) => row ?? []);
  const end = taken.at(-1)?.line;
  const tally =
    onLineError === "stop" ? withErrors(result, errorsOf(stopsAt ? [stopsAt] : [])) : withMoreErrors(result, taken);
  const hasHead = checked.lines.some(({ line }) => line.number === 1 && line.given.kind === "collection");
  const isLast = stopsAt === undefined && lines.atEnd;
  // At the end nothing is left to read, blank lines neither: the file may be gone when a last turn comes again.
  const offset = isLast ? file.bytes : (end?.end ?? at.offset);
  return {
    at: { offset, line: end?.number ?? at.line, ids: checked.ids },
    result: tally,
    done: result.created + result.updated + result.skipped + rows.length,
    failed: tally.refused,
    ...(at.line === 0 && { total: file.lines - Number(hasHead) }),
    write: async (step) => {
      const outcome = await importMemories(services.db, step, collectionId, rows);
      if (outcome.kind === "written")
        await embedStored(
          services,
          target,
          rows.map(({ id }) => id),
        );
      return outcome;
    },
    last: isLast,
    ...(stopsAt !== undefined && { fault: brokenLine(stopsAt) }),
  };
}

/** A stop leaves the place before the broken line: an invoke tries that line again, and counts it once. */
function withErrors(result: ImportTally, errors: readonly LineError[]): ImportTally {
  return { ...result, refused: errors.length, errors };
}

function withMoreErrors(result: ImportTally, taken: readonly CheckedLine[]): ImportTally {
  const errors = errorsOf(taken);
  return {
    ...result,
    refused: result.refused + errors.length,
    errors: [...result.errors, ...errors].slice(0, LINE_ERRORS_MAX),
  };
}

function errorsOf(lines: readonly CheckedLine[]): readonly LineError[] {
  return lines.flatMap(({ line, refusal }) => (refusal === undefined ? [] : [{ line: line.number, detail: refusal }]));
}

function brokenLine({ line, refusal }: CheckedLine): TaskFault {
  const detail = `Line ${line.number}: ${refusal} What comes before it was added. Correct the file and import it again, or with on_error=skip.`;
  return new TaskFault("line-invalid", detail);
}

function fileGone(): TaskFault {
  return new TaskFault("file-gone", "The file of this import is no longer kept. Send it again.");
}
