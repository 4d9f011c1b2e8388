import { hasEnded, type TaskStatus } from "../../../src/domain/tasks/task";
import { rows } from "../scene";
import { ask } from "./acts";
import type { Seen, Subject } from "./ledger";
import { violationsOf } from "./rules";
import type { Play } from "./stage";

interface Row {
  readonly id: string;
  readonly status: TaskStatus;
  readonly run: number;
  readonly ended_at_ms: number | null;
  readonly result: string | null;
}

interface Request {
  readonly door: string;
  readonly retired_at_ms: number | null;
}

interface Made {
  readonly source_memory_id: string;
  readonly collection_id: string;
}

/** What is wrong after a schedule that was healed: nothing, if all promises are kept. */
export async function judge(play: Play): Promise<readonly string[]> {
  const found = await Promise.all(
    play.ledger.touched.map(async (subject) => {
      const wrong = await judgeSubject(play, subject);
      return wrong.map((violation) => `${subject.requestId ?? subject.taskId}: ${violation}`);
    }),
  );
  return found.flat();
}

async function judgeSubject(play: Play, subject: Subject): Promise<readonly string[]> {
  const sent = subject.seen.filter(({ asked }) => asked === "put");
  const before = [...subject.seen];
  await ask(play, subject, { asked: "get" });
  const body = before.find(({ asked, code }) => asked === "put" && (code === 200 || code === 201))?.body;
  if (!subject.minted && body !== undefined) await ask(play, subject, { asked: "put", body });
  const [stored, requests, made] = await Promise.all([
    rows<Row>("SELECT * FROM tasks WHERE id = ? OR request_id = ?", subject.taskId, subject.requestId),
    rows<Request>("SELECT * FROM requests WHERE id = ? OR request_id = ?", subject.taskId, subject.requestId),
    rows<Made>("SELECT source_memory_id, collection_id FROM memories WHERE task_id = ?", subject.taskId),
  ]);
  const row = stored[0];
  return [
    ...(stored.length > 1 ? [`${stored.length} tasks of one request id`] : []),
    ...(requests.length > 1 ? [`${requests.length} rows of one request id`] : []),
    ...judgeRequest(requests[0], row),
    ...(row === undefined ? [] : judgeRow(row, before, sent.length)),
    ...(row === undefined ? [] : await judgeMemories(play, row, made)),
    ...violationsOf(subject),
  ];
}

/** The two rows are written together, and go together. */
function judgeRequest(request: Request | undefined, row: Row | undefined): readonly string[] {
  if (request === undefined) return row === undefined ? [] : ["a task without its request"];
  const isGone = request.retired_at_ms !== null;
  if (row === undefined) return isGone || request.door === "cancel" ? [] : ["a request without its task"];
  return isGone ? ["a tombstone beside its task"] : [];
}

function judgeRow(row: Row, before: readonly Seen[], sent: number): readonly string[] {
  const removed = before.some(({ asked, code }) => asked === "delete" && code === 204);
  return [
    ...(hasEnded(row.status) && row.ended_at_ms !== null ? [] : [`it never ends: ${row.status}`]),
    ...(removed ? ["it was removed, and it is there"] : []),
    ...(sent === 0 ? ["a task that nobody asked for"] : []),
  ];
}

async function judgeMemories({ stage }: Play, row: Row, made: readonly Made[]): Promise<readonly string[]> {
  const sources = new Set(made.map(({ source_memory_id }) => source_memory_id));
  const lost = stage.scene.memoryIds.filter((id) => !sources.has(id));
  const target = made[0]?.collection_id ?? "";
  const [counted] = await rows<{ memory_count: number }>("SELECT memory_count FROM collections WHERE id = ?", target);
  const told: number | undefined = row.result === null ? undefined : JSON.parse(row.result).reVoiced;
  return [
    ...(sources.size < made.length ? ["a memory twice"] : []),
    ...(row.status === "complete" && lost.length > 0 ? [`complete, and ${lost.length} memories lost`] : []),
    ...((counted?.memory_count ?? 0) === made.length ? [] : ["the collection miscounts its memories"]),
    ...(told === undefined || told === made.length ? [] : [`the result tells of ${told} memories, not ${made.length}`]),
  ];
}
