import { createRoute, z } from "@hono/zod-openapi";
import type { Context, TypedResponse } from "hono";
import { createImport, stageImport } from "../../services/creation/create-import";
import type { Creation } from "../../services/creation/create-task";
import { fail, succeed } from "../../services/errors/outcome";
import { analyzeNow } from "../../services/operations/collection-work/analyze";
import { openExport, streamExport } from "../../services/operations/export-import/export";
import type { Api, ApiEnv } from "../env";
import { faultsOf, validationFailed } from "../faults";
import { importFileOf } from "../import-file";
import { lookUpFirst } from "../look-up-first";
import { readEmptyBody } from "../middleware/json-body";
import { rateLimit } from "../middleware/rate-limit";
import { COMMON_PROBLEMS, json, problems, SECURED } from "../route";
import { callersIdOf, shown, startInBackground, startTask } from "../start-task";
import { AnalysisV1, toAnalysisV1 } from "./analysis.dto";
import { ImportQueryV1, NDJSON_EXAMPLE, toCollectionInput, toImportInput } from "./collection-work.dto";
import { idParameter, NoQueryV1 } from "./common.dto";
import { preferAsyncHeaderV1, preferHeaderV1, replayHeaders, requestIdHeaderV1 } from "./creation.dto";
import { NewTaskResponseV1, toNewTaskResponseV1 } from "./task.dto";

const params = z.object({
  collection_id: idParameter("collection_id", "collection_0b7e4c1d9a5f4e6c8d2b3a1f0e9d8c7b"),
});
const tags = ["collections"];
const requestId = requestIdHeaderV1(false);
const headers = z.object({ requestId, Prefer: preferAsyncHeaderV1 });
const NDJSON = "application/x-ndjson";
const file = (description: string) => ({
  description,
  content: { [NDJSON]: { schema: z.string().openapi({ description: "Lines of JSON.", example: NDJSON_EXAMPLE }) } },
});
const task = { ...json(NewTaskResponseV1, "The task, first and replay."), headers: replayHeaders };
const workProblems = problems(...COMMON_PROBLEMS, 400, 404, 410, 422);

const exportAll = createRoute({
  method: "get",
  path: "/v1/collections/{collection_id}/export",
  operationId: "collection-export",
  tags,
  summary: "Export a collection",
  description: [
    "Lines of JSON, streamed at any size: the first about the collection (`type` is `collection`), then one for each",
    "memory that is present as it is read, in the order of (created_at, memory_id). A collection that is deleted",
    "meanwhile breaks the answer off. With `Prefer: respond-async` a task writes a file: read it at `links.file`. Asked",
    "again while that task runs, the same one is answered.",
  ].join("\n"),
  security: SECURED,
  request: { params, query: NoQueryV1, headers },
  responses: { 200: file("The collection, as it is read."), 202: task, ...workProblems },
});

const importAll = createRoute({
  method: "put",
  path: "/v1/collections/{collection_id}/import",
  operationId: "collection-import",
  tags,
  summary: "Import memories from a file",
  description: [
    "Takes what an export gives, or lines of your own with no more than a `text` each; up to 100 MB. Stored before the",
    "answer, and added by a task by the rules of `collection-memories-create`: what is there already is skipped, or",
    "updated where its external_id says so. Dates, metadata, counts of accesses and sources are kept as the file says",
    "them. A memory keeps its id where that is free; else it gets one that follows from its id and this collection, and",
    "links lead there. The same file with the same `requestId` is a replay.",
  ].join("\n"),
  security: SECURED,
  request: {
    params,
    query: ImportQueryV1,
    headers: z.object({ requestId, Prefer: preferHeaderV1 }),
    body: { required: true, ...file("Lines of JSON.") },
  },
  responses: { 202: task, ...workProblems, ...problems(413, 415) },
});

const rebuild = createRoute({
  method: "patch",
  path: "/v1/collections/{collection_id}/rebuild",
  operationId: "collection-rebuild",
  tags,
  summary: "Index a collection again",
  description: "Makes anew what searches read. Searches go on meanwhile, and find what they found.",
  security: SECURED,
  request: { params, query: NoQueryV1, headers: z.object({ requestId, Prefer: preferHeaderV1 }) },
  responses: { 202: task, ...workProblems, ...problems(413, 415) },
});

const analyze = createRoute({
  method: "get",
  path: "/v1/collections/{collection_id}/analyze",
  operationId: "collection-analyze",
  tags,
  summary: "Count what a collection is made of",
  description:
    "At once for up to 10,000 memories. With `Prefer: respond-async`, for any number, as the `result` of a task; asked again while that task runs, the same one is answered.",
  security: SECURED,
  request: { params, query: NoQueryV1, headers },
  responses: { 200: json(AnalysisV1, "The figures."), 202: task, ...workProblems },
});

const exportedFile = createRoute({
  method: "get",
  path: "/v1/checkmate/tasks/{task_id}/file",
  operationId: "checkmate-task-file-get",
  tags: ["checkmate"],
  summary: "Read the file of an export",
  security: SECURED,
  middleware: rateLimit,
  request: {
    params: z.object({ task_id: idParameter("task_id", "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e") }),
    query: NoQueryV1,
  },
  responses: { 200: file("The file, as it was written."), ...problems(...COMMON_PROBLEMS, 404, 410, 422) },
});

/** Work on a whole collection, which the path names and nothing else. */
function workOn(operation: "export" | "analyze" | "rebuild") {
  return {
    type: "batch",
    operation: `collection-${operation}`,
    requestId: "optional",
    body: z.null(),
    query: NoQueryV1,
    toInput: (_: null, path: Readonly<Record<string, string>>) => toCollectionInput(operation, path),
    subjectOf: (path: Readonly<Record<string, string>>) => `${operation} ${path["collection_id"]}`,
  } as const;
}

const [exporting, analyzing] = [workOn("export"), workOn("analyze")];
const rebuilding = { ...workOn("rebuild"), read: readEmptyBody };

/** The file is stored first: its digest is part of the fingerprint. */
async function startImport(c: Context<ApiEnv>): Promise<Creation> {
  const id = callersIdOf(c, { requestId: "optional" });
  const [path, query] = [c.req.param(), c.req.query()];
  const staged = await stageImport(c.get("call"), id.requestId, importFileOf(c));
  const body = { sha256: staged.sha256, ...query };
  const request = { api: 1, type: "batch", operation: "collection-import", path, body } as const;
  const parsed = ImportQueryV1.safeParse(query);
  const wanted = parsed.success
    ? succeed(toImportInput(parsed.data, staged.file, path))
    : fail(validationFailed(faultsOf(parsed.error, "/query")).value);
  return shown(c, await createImport(c.get("call"), staged, { ...id, request, wanted }));
}

export function collectionWorkRoutes(app: Api): void {
  app.openapi(exportAll, async (c) => {
    const started = await startInBackground(c, exporting);
    if (started !== undefined) return c.json(toNewTaskResponseV1(started.task), 202, location(started.task.id));
    const { collection_id } = c.req.valid("param");
    return fileOf(c, await streamExport(c.get("call"), collection_id), collection_id);
  });
  lookUpFirst(app, importAll, async (c) => {
    const { task } = await startImport(c);
    return c.json(toNewTaskResponseV1(task), 202, location(task.id));
  });
  lookUpFirst(app, rebuild, async (c) => {
    const { task } = await startTask(c, rebuilding);
    return c.json(toNewTaskResponseV1(task), 202, location(task.id));
  });
  app.openapi(analyze, async (c) => {
    const started = await startInBackground(c, analyzing);
    if (started !== undefined) return c.json(toNewTaskResponseV1(started.task), 202, location(started.task.id));
    const { collection_id } = c.req.valid("param");
    return c.json(toAnalysisV1(collection_id, await analyzeNow(c.get("call"), collection_id)), 200);
  });
  app.openapi(exportedFile, async (c) => {
    const { task_id } = c.req.valid("param");
    return fileOf(c, await openExport(c.get("call"), task_id), task_id);
  });
}

function location(taskId: string): { Location: string } {
  return { Location: `/v1/checkmate/tasks/${taskId}` };
}

/** @param id of ours by then: it needs no quoting. */
function fileOf(c: Context<ApiEnv>, stream: ReadableStream<Uint8Array>, id: string) {
  const headers = { "Content-Type": NDJSON, "Content-Disposition": `attachment; filename="${id}.ndjson"` };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a stream: the library's types know bodies as a whole alone
  return c.body(stream, 200, headers) as Response & TypedResponse<never, never, never>;
}
