import { parseOwnJson } from "../domain/own-json";
import { within } from "../domain/time-limit";
import { mapStream } from "../services/map-stream";
import type { TaskWatchers, WatchRecord } from "../services/task-watch-ports";
import { watchersUnavailable } from "../services/unavailable";
import { objectNameOf } from "./placement";
import type { TaskWatchObject } from "./task-watch-object";

/** Enough for many streams, and few enough to be there already. Nothing is kept in them, so the number may change. */
const WATCH_OBJECTS = 32;
const TELL_WITHIN_MS = 1_000;
const WATCH_WITHIN_MS = 10_000;

/** The objects of those who watch, behind their port. */
export function objectWatchers(objects: DurableObjectNamespace<TaskWatchObject>): TaskWatchers {
  const objectOf = (taskId: string) => objects.getByName(objectNameOf(WATCH_OBJECTS, taskId));
  return {
    tell: async (taskId) => {
      const told = Promise.resolve(objectOf(taskId).tell(taskId));
      await within(TELL_WITHIN_MS, told).catch(() => undefined);
    },
    watch: async (request) => {
      const answer = await within(WATCH_WITHIN_MS, Promise.resolve(objectOf(request.taskId).watch(request))).catch(() => {
        throw watchersUnavailable();
      });
      if (answer.kind === "unavailable") throw watchersUnavailable();
      if (answer.kind !== "stream") return answer;
      return { kind: "stream", records: mapStream(answer.lines, recordsReader()) };
    },
  };
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
