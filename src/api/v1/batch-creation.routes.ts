import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Creation } from "../../services/creation/create-task";
import { previewReVoicing, type ReVoicePreview } from "../../services/creation/preview-re-voicing";
import { fillTask, reserveTask, type Reservation } from "../../services/creation/reservations";
import type { Api, ApiEnv } from "../env";
import { faultsOf, validationFailed } from "../faults";
import { lookUpFirst } from "../look-up-first";
import { BODY_BYTES_MAX, readEmptyBody, readJsonBody } from "../middleware/json-body";
import { rateRefusal } from "../middleware/rate-limit";
import { splitPutKey } from "../put-key";
import { type BatchesRoute, startBatches } from "../start-batches";
import { askedOf, callersIdOf, shown, startTask, type TaskRoute } from "../start-task";
import { BODY_PROBLEMS, COMMON_PROBLEMS, documentedRequest, json, problems, SECURED } from "../route";
import {
  BatchesRequestV1,
  BatchFillRequestV1,
  BatchRequestV1,
  BulkV1,
  ReVoiceRequestV1,
  toBatchInput,
  toBulkV1,
  toReVoiceInput,
} from "./batches.dto";
import { idParameter } from "./common.dto";
import {
  creationHeaders,
  preferHeaderV1,
  putKeyHeaderV1,
  replayHeaders,
  requestIdHeaderV1,
  ReservationV1,
  toReservationV1,
} from "./creation.dto";
import { ReVoicePreviewV1, ReVoiceQueryV1, toPreviewCount, toReVoicePreviewV1 } from "./re-voice-preview.dto";
import { BatchV1, NewTaskResponseV1, toBatchV1, toNewTaskResponseV1 } from "./task.dto";

const tags = ["batches"];
const creationProblems = problems(...COMMON_PROBLEMS, ...BODY_PROBLEMS, 403, 404, 410);
const batches: BatchesRoute<typeof BatchRequestV1> = {
  type: "batch",
  operation: "batches-create",
  requestId: "required",
  body: BatchRequestV1,
  bulkItemOperation: "batches-create",
  toInput: toBatchInput,
};

const create = createRoute({
  method: "put",
  path: "/v1/batches",
  operationId: "batches-create",
  tags,
  summary: "Start long work exactly once",
  description:
    "However often the same request is sent with the same `requestId`, one task runs. The first answer is 201, every later one 200 with the task as it is now. `{ items: [...] }` starts up to 100 at once, each with a verdict of its own.",
  security: SECURED,
  request: {
    headers: z.object({ requestId: requestIdHeaderV1(true), Prefer: preferHeaderV1 }),
    body: documentedRequest("BatchesRequestV1"),
  },
  responses: {
    201: { ...json(BatchV1, "Created by this call."), headers: creationHeaders },
    200: {
      ...json(
        z.union([BatchV1, BulkV1]),
        "Created by an earlier call; the task as it is now. Or the verdicts of a bulk.",
      ),
      headers: replayHeaders,
    },
    ...creationProblems,
  },
});

const submit = createRoute({
  method: "post",
  path: "/v1/batches",
  operationId: "batches-submit",
  tags,
  summary: "Start long work, each time anew",
  description: "As Livy's: every call makes a new task. To be safe against lost answers use `PUT` with a `requestId`.",
  security: SECURED,
  request: { headers: z.object({ Prefer: preferHeaderV1 }), body: documentedRequest("BatchesRequestV1") },
  responses: {
    201: { ...json(BatchV1, "Created."), headers: creationHeaders },
    200: json(BulkV1, "The verdicts of a bulk."),
    ...creationProblems,
  },
});

const reserve = createRoute({
  method: "post",
  path: "/v1/batches/id",
  operationId: "batches-id-reserve",
  tags,
  summary: "Reserve an id",
  description:
    "Holds an id for 24 hours, to be filled with `PUT /v1/batches/{id}` and its put key. With a `requestId`, a repeat answers with the same id and key.",
  security: SECURED,
  request: { headers: z.object({ requestId: requestIdHeaderV1(false) }) },
  responses: {
    201: { ...json(ReservationV1, "The id, first and repeated."), headers: creationHeaders },
    ...problems(...COMMON_PROBLEMS, 400, 410, 413, 415, 422),
  },
});

const fillReserved = createRoute({
  method: "put",
  path: "/v1/batches/{id}",
  operationId: "batch-create",
  tags,
  summary: "Start long work under a reserved id",
  description:
    "As `PUT /v1/batches`, with a reserved id in place of a `requestId`: however often it is sent, one task runs.",
  security: SECURED,
  request: {
    params: z.object({ id: idParameter("id", "task_1f0c9a7e5b3d8f6a9c2e4b6d8f0a1c3e") }),
    headers: z.object({ putKey: putKeyHeaderV1, Prefer: preferHeaderV1 }),
    body: documentedRequest("BatchFillRequestV1"),
  },
  responses: {
    201: { ...json(BatchV1, "Filled by this call."), headers: creationHeaders },
    200: { ...json(BatchV1, "Filled by an earlier call; the task as it is now."), headers: replayHeaders },
    ...creationProblems,
  },
});

const reVoice = createRoute({
  method: "put",
  path: "/v1/agents/{agent_id}/collections/{collection_id}/re-voice",
  operationId: "agent-collection-re-voice",
  tags: ["agents"],
  summary: "Re-voice a collection in the agent's voice",
  description:
    "Long work: the answer names its task. The collection need not be bound to the agent. `?dry_run=true` checks the same, counts, and retells the first memories (`preview`) with the real model, before anyone pays for all.",
  security: SECURED,
  request: {
    params: z.object({
      agent_id: idParameter("agent_id", "agent_6f1c8a523a3e4a529d0e2f6f1f0f7f11"),
      collection_id: idParameter("collection_id", "collection_0b7e4c1d9a5f4e6c8d2b3a1f0e9d8c7b"),
    }),
    query: ReVoiceQueryV1,
    headers: z.object({ requestId: requestIdHeaderV1(false), Prefer: preferHeaderV1 }),
    body: documentedRequest("ReVoiceRequestV1"),
  },
  responses: {
    200: json(
      ReVoicePreviewV1,
      "With `dry_run=true`: what would come. Nothing was made, and the `requestId` is not used.",
    ),
    202: { ...json(NewTaskResponseV1, "The task, first and replay."), headers: replayHeaders },
    ...creationProblems,
  },
});

export function batchCreationRoutes(app: Api): void {
  app.openAPIRegistry.register("BatchesRequestV1", BatchesRequestV1);
  app.openAPIRegistry.register("BatchFillRequestV1", BatchFillRequestV1);
  app.openAPIRegistry.register("ReVoiceRequestV1", ReVoiceRequestV1);
  lookUpFirst(app, create, async (c) => {
    const started = await startBatches(c, batches);
    if (started.kind === "bulk") return c.json(toBulkV1(started.outcomes), 200);
    const { task, replayed } = started.creation;
    if (replayed) return c.json(toBatchV1(task), 200);
    return c.json(toBatchV1(task), 201, location(task.id));
  });
  lookUpFirst(app, submit, async (c) => {
    const started = await startBatches(c, { ...batches, operation: "batches-submit", requestId: "minted" });
    if (started.kind === "bulk") return c.json(toBulkV1(started.outcomes), 200);
    const { task } = started.creation;
    return c.json(toBatchV1(task), 201, location(task.id));
  });
  lookUpFirst(app, reserve, async (c) => {
    const reserved = await reserveBatch(c);
    return c.json(toReservationV1(reserved), 201, location(reserved.taskId));
  });
  lookUpFirst(app, fillReserved, async (c) => {
    const { task, replayed } = await fillBatch(c);
    if (replayed) return c.json(toBatchV1(task), 200);
    return c.json(toBatchV1(task), 201, location(task.id));
  });
  lookUpFirst(app, reVoice, async (c) => {
    const previewCount = previewCountOf(c);
    if (previewCount !== undefined) return c.json(toReVoicePreviewV1(await preview(c, previewCount)), 200);
    const { task } = await startTask(c, reVoicing);
    const view = toNewTaskResponseV1(task);
    return c.json(view, 202, { Location: view.links.self });
  });
}

const reVoicing: TaskRoute<typeof ReVoiceRequestV1> = {
  type: "batch",
  operation: "agent-collection-re-voice",
  requestId: "optional",
  body: ReVoiceRequestV1,
  toInput: (body, path) =>
    toReVoiceInput(body, {
      agentId: path["agent_id"] ?? "",
      collectionId: path["collection_id"] ?? "",
      pointers: { agent: null, source: null },
    }),
};

async function reserveBatch(c: Context<ApiEnv>): Promise<Reservation> {
  const id = callersIdOf(c, { requestId: "optional" });
  const request = { api: 1, type: batches.type, operation: "batches-id-reserve", path: {}, body: null } as const;
  await readEmptyBody(c);
  const reserved = await reserveTask(c.get("call"), { ...id, request });
  c.header("Idempotent-Replayed", String(reserved.replayed));
  return reserved;
}

async function fillBatch(c: Context<ApiEnv>): Promise<Creation> {
  const { body, putKey } = splitPutKey(c, await readJsonBody(c, BODY_BYTES_MAX));
  const asked = askedOf(c, { ...batches, operation: "batch-create" }, body);
  const taskId = c.req.param("id") ?? "";
  return shown(c, await fillTask(c.get("call"), { ...asked, taskId, putKey }));
}

/** How many memories a dry run is to show; undefined for the real call. A query that does not fit is refused either way. */
function previewCountOf(c: Context<ApiEnv>): number | undefined {
  callersIdOf(c, reVoicing);
  const parsed = ReVoiceQueryV1.safeParse(c.req.query());
  if (!parsed.success) throw validationFailed(faultsOf(parsed.error, "/query"));
  return toPreviewCount(parsed.data);
}

/** It makes nothing, so it counts as every call that reads. */
async function preview(c: Context<ApiEnv>, count: number): Promise<ReVoicePreview> {
  const { wanted } = askedOf(c, reVoicing, await readJsonBody(c, BODY_BYTES_MAX));
  const refusal = await rateRefusal(c);
  if (refusal !== undefined) throw refusal;
  return previewReVoicing(c.get("call"), wanted, count);
}

function location(taskId: string): { Location: string } {
  return { Location: `/v1/batches/${taskId}` };
}
