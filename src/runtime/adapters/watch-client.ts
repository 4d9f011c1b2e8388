import { parseOwnJson } from "../../domain/basics/own-json";
import { within } from "../../domain/basics/time-limit";
import { mapStream } from "../../services/basics/map-stream";
import type { TaskWatchers, WatchRecord } from "../../services/ports/task-watchers";
import { watchersUnavailable } from "../../services/errors/refusals";
import { objectNameOf } from "../config/placement";
import { type NoStream, STREAM_TYPE } from "./watch-answer";

/** Enough for many streams, and few enough to be there already. Nothing is kept in them, so the number may change. */
const WATCH_OBJECTS = 32;
const TELL_WITHIN_MS = 1_000;
const WATCH_WITHIN_MS = 10_000;

/** The objects of those who watch, behind their port. */
export function objectWatchers(objects: Env["TASK_WATCHES"]): TaskWatchers {
  const objectOf = (taskId: string) => objects.getByName(objectNameOf(WATCH_OBJECTS, taskId));
  return {
    tell: async (taskId) => {
      const told = Promise.resolve(objectOf(taskId).tell(taskId));
      await within(TELL_WITHIN_MS, told).catch(() => undefined);
    },
    watch: async (request) => {
      const asked = objectOf(request.taskId).fetch(OBJECT_URL, { method: "POST", body: JSON.stringify(request) });
      const answer = await within(WATCH_WITHIN_MS, asked.then(answerOf)).catch((): NoStream => ({
        kind: "unavailable",
      }));
      if (answer instanceof ReadableStream) return { kind: "stream", records: mapStream(answer, recordsReader()) };
      if (answer.kind === "unavailable") throw watchersUnavailable();
      return answer;
    },
  };
}

/** A request must have one; the object does not look at it. */
const OBJECT_URL = "https://watch.invalid/";

async function answerOf(response: Response): Promise<ReadableStream<Uint8Array> | NoStream> {
  const isStream = response.body !== null && response.headers.get("Content-Type") === STREAM_TYPE;
  return isStream ? response.body : parseOwnJson<NoStream>(await response.text());
}

/** Lines may arrive in pieces of any size. */
function recordsReader(): (bytes: Uint8Array) => readonly WatchRecord[] | undefined {
  const decoder = new TextDecoder();
  let rest = "";
  return (bytes) => {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    return lines.length === 0 ? undefined : lines.map((line) => parseOwnJson<WatchRecord>(line));
  };
}
