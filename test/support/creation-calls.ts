import { env } from "cloudflare:workers";
import { toBatchInput } from "../../src/api/v1/batches.dto";
import { taskIdOf } from "../../src/domain/ids";
import { openServices } from "../../src/runtime/composition";
import { createTask } from "../../src/services/creation/create-task";
import { reserveTask } from "../../src/services/creation/reservations";
import { succeed } from "../../src/services/errors/outcome";
import type { CreationAnswer, CreationCall, TaskRequests } from "../../src/services/ports/task-requests";
import type { TaskInput } from "../../src/services/ports/task-input";
import { callerIn } from "./caller";
import { batchOf, rows, type Scene } from "./scene";

type Body = Parameters<typeof toBatchInput>[0];

/** The namespace of the admin's key, in which scenes are. */
export async function adminsNamespace(): Promise<string> {
  const [namespace] = await rows<{ id: string }>("SELECT id FROM namespaces WHERE name = 'default'");
  return namespace?.id ?? "";
}

/** What the service asks an object of, and does not send. */
async function callOf(namespaceId: string, create: (ctx: ReturnType<typeof callerIn>) => Promise<unknown>) {
  const asked: CreationCall[] = [];
  const requests: TaskRequests = {
    ...openServices(env).requests,
    create: async (calls) => {
      asked.push(...calls);
      return [];
    },
  };
  await create(callerIn(namespaceId, { requests })).catch(() => undefined);
  const [call] = asked;
  if (call === undefined) throw new Error("No object was asked.");
  return call;
}

/** A `PUT /v1/batches` of the admin, as its Worker asks an object of it. Another field or two may be of the test's own. */
export async function batchCall(
  from: Scene,
  more: object = {},
  own: Partial<CreationCall> & { readonly requestId?: string } = {},
): Promise<CreationCall> {
  const namespaceId = await adminsNamespace();
  const { requestId = crypto.randomUUID() } = own;
  const body = batchOf(from, more);
  const request = { api: 1, type: "batch", operation: "batches-create", path: {}, body } as const;
  const wanted = succeed<TaskInput>(toBatchInput(body as unknown as Body));
  const call = await callOf(namespaceId, (ctx) =>
    createTask(ctx, { requestId, requestIdIsClients: true, request, wanted }),
  );
  return { ...call, ...own, requestId, taskId: await taskIdOf(namespaceId, requestId) };
}

/** Sends a call to an object of any name: one that another placement, or a reset, would have for its id. */
export async function createAt(objectName: string, sent: CreationCall): Promise<readonly CreationAnswer[]> {
  return env.TASK_REQUESTS.getByName(objectName).create([sent], null);
}

/** A `POST /v1/batches/id`, likewise. */
export function reservationCall(namespaceId: string): Promise<CreationCall> {
  const requestId = crypto.randomUUID();
  const request = { api: 1, type: "batch", operation: "batches-id-reserve", path: {}, body: null } as const;
  return callOf(namespaceId, (ctx) => reserveTask(ctx, { requestId, requestIdIsClients: true, request }));
}
