import { ADMIN_KEY, type Answer, call } from "./api";
import {
  exampleOf,
  fileBodyOf,
  fill,
  isSecured,
  jsonBodyOf,
  type Operation,
  operationsOf,
  pathParametersOf,
  readDocument,
} from "./openapi";
import { type SettledTenant, settledTenant } from "./tenant";

/** What is called: every operation of the document. */
export const document = await readDocument();
export const operations = operationsOf(document);
export const secured = operations.filter(isSecured);
export const withId = secured.filter((operation) => pathParametersOf(operation).length > 0);
export const withBody = operations.filter((operation) => jsonBodyOf(operation) !== undefined);

/** Namespaces and keys belong to no tenant: the admin key manages them. */
export const isAdmins = ({ tags }: Operation): boolean => tags.includes("namespaces") || tags.includes("keys");

export const own: SettledTenant = await settledTenant();

/** Whose open reservation is filled by a call that names no id. */
const reservations = new Map<string, Reservation>([[own.key, await reserveFor(own.key)]]);

interface Reservation {
  readonly id: string;
  readonly putKey: string;
}

async function reserveFor(key: string): Promise<Reservation> {
  const { body } = await call("POST", "/v1/batches/id", { key });
  return { id: body.id, putKey: body.put_key };
}

interface Asked {
  /** Whose things the path names, and who calls; `own` where it is not said. */
  readonly tenant?: SettledTenant;
  readonly ids?: Readonly<Record<string, string>>;
  readonly path?: string;
  readonly query?: string;
  readonly body?: unknown;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Calls an operation as the document shows it, but for what is asked otherwise. */
export async function ask(operation: Operation, asked: Asked = {}): Promise<Answer> {
  const { tenant = own, key = isAdmins(operation) ? ADMIN_KEY : tenant.key } = asked;
  const media = jsonBodyOf(operation);
  const file = fileBodyOf(operation);
  const takes = (parameter: string) => operation.parameters?.some(({ name }) => name === parameter);
  const held = takes("putKey") ? (reservations.get(tenant.key) ?? (await reserveFor(tenant.key))) : undefined;
  const ids = { ...tenant.ids, ...tenant.idsOf[operation.operationId], ...(held && { id: held.id }), ...asked.ids };
  const path = asked.path ?? pathOf(operation, ids);
  const answer = await call(operation.method, `${path}${asked.query ?? ""}`, {
    key,
    headers: {
      ...(takes("requestId") && { requestId: crypto.randomUUID() }),
      ...(held && { putKey: held.putKey }),
      ...(file && { "content-type": file.type }),
      ...asked.headers,
    },
    ...(media && { body: asked.body ?? exampleOf(document, media) }),
    ...(file && { body: asked.body ?? file.example }),
  });
  // One that was filled is of no use to the next call.
  if (held !== undefined && answer.status === 201) reservations.set(tenant.key, await reserveFor(tenant.key));
  if (operation.responses[answer.status] === undefined)
    throw new Error(`${operation.operationId} answers what it does not document: ${JSON.stringify(answer)}`);
  return answer;
}

export function pathOf({ path }: Pick<Operation, "path">, ids: Readonly<Record<string, string>> = {}): string {
  return fill(path, { code: "json-invalid", ...own.ids, ...ids });
}
