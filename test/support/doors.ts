import { type Answer, call } from "./api";
import { fill, reserve, reserved } from "./reserve";
import { batchOf, putBatch, type Scene } from "./scene";

/** A door that a request id can come through. */
export interface Door {
  readonly name: string;
  /** What a look at the id says that came under it. */
  readonly door: string;
  /** Makes all that must be there before its call. @returns what sends it under the request id, the same or with another body. */
  readonly open: (from: Scene, requestId: string) => Promise<Send>;
  /** What its call and the repeat are told where a cancel came first. */
  readonly canceledFirst: readonly [string, string];
  /** What becomes of what it made when a cancel comes after. */
  readonly canceledAfter: "canceled" | "complete";
  /** False where there is no other body that it takes. */
  readonly hasBody: boolean;
}

type Send = (isOther?: boolean) => Promise<Answer>;

/** The answer of a call, in short; of a bulk those of its items. */
export function wordOf({ status, body }: Answer): string {
  if (Array.isArray(body?.results)) return body.results.map((result: { status: number }) => result.status).join();
  if (status >= 400) return `${status} ${body.code}`;
  return body?.status === "canceled" ? `${status} canceled` : String(status);
}

/** A door whose call is the same whatever was there before. */
function plain(send: (from: Scene, requestId: string, isOther: boolean) => Promise<Answer>): Door["open"] {
  return async (from, requestId) => {
    return (isOther = false) => send(from, requestId, isOther);
  };
}

const putNoun = (path: string) =>
  plain((_, requestId, isOther) =>
    call("PUT", path, { body: { name: isOther ? "another" : `of ${requestId}` }, headers: { requestId } }),
  );

const nameOf = (isOther: boolean) => ({ name: isOther ? "another" : "first" });

/** A task that was canceled, so that it can be invoked. */
async function canceledTask(from: Scene): Promise<string> {
  const { body } = await putBatch(crypto.randomUUID(), batchOf(from));
  await call("PATCH", `/v1/checkmate/tasks/${body.id}/cancel`);
  return body.id;
}

const asTask = { door: "task", canceledAfter: "canceled", hasBody: true } as const;

/** Each door of the contract that a client sends a request id to. */
export const DOORS: readonly Door[] = [
  {
    ...asTask,
    name: "batches-create",
    canceledFirst: ["201 canceled", "200 canceled"],
    open: plain((from, requestId, isOther) => putBatch(requestId, batchOf(from, nameOf(isOther)))),
  },
  {
    ...asTask,
    name: "agent-collection-re-voice",
    canceledFirst: ["202 canceled", "202 canceled"],
    open: plain(({ agentId, collectionId }, requestId, isOther) =>
      call("PUT", `/v1/agents/${agentId}/collections/${collectionId}/re-voice`, {
        body: { target: nameOf(isOther) },
        headers: { requestId },
      }),
    ),
  },
  {
    ...asTask,
    name: "collection-rebuild",
    canceledFirst: ["202 canceled", "202 canceled"],
    hasBody: false,
    open: plain(({ collectionId }, requestId) =>
      call("PATCH", `/v1/collections/${collectionId}/rebuild`, { headers: { requestId } }),
    ),
  },
  {
    name: "batches-id-reserve",
    door: "reservation",
    canceledFirst: ["201", "201"],
    canceledAfter: "canceled",
    hasBody: false,
    open: plain((_, requestId) => reserve(requestId)),
  },
  {
    name: "batch-create",
    door: "reservation",
    canceledFirst: ["201 canceled", "200 canceled"],
    canceledAfter: "canceled",
    hasBody: true,
    open: async (from, requestId) => {
      const held = await reserved(requestId);
      return (isOther = false) => fill(held, batchOf(from, nameOf(isOther)));
    },
  },
  {
    name: "batches-create with items",
    door: "bulk",
    canceledFirst: ["201,201", "200,200"],
    canceledAfter: "canceled",
    hasBody: true,
    open: plain((from, requestId, isOther) =>
      putBatch(requestId, { items: [batchOf(from, nameOf(isOther)), batchOf(from)] }),
    ),
  },
  {
    name: "checkmate-task-invoke",
    door: "invoke",
    canceledFirst: ["409 request-canceled", "409 request-canceled"],
    canceledAfter: "canceled",
    hasBody: true,
    open: async (from, requestId) => {
      const path = `/v1/checkmate/tasks/${await canceledTask(from)}/invoke`;
      return (isOther = false) => call("PATCH", isOther ? `${path}?from=failed` : path, { headers: { requestId } });
    },
  },
  {
    name: "agents-create",
    door: "agent",
    canceledFirst: ["409 request-canceled", "409 request-canceled"],
    canceledAfter: "complete",
    hasBody: true,
    open: putNoun("/v1/agents"),
  },
  {
    name: "collections-create",
    door: "collection",
    canceledFirst: ["409 request-canceled", "409 request-canceled"],
    canceledAfter: "complete",
    hasBody: true,
    open: putNoun("/v1/collections"),
  },
];
