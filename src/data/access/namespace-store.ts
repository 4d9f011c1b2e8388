import { and, eq } from "drizzle-orm";
import { DEFAULT_NAMESPACE_NAME, type Namespace } from "../../domain/access/namespace";
import type { Page, PageRequest } from "../../domain/page";
import type { Database } from "../database/database";
import { nowMs } from "../database/now";
import { after, newestFirst, toPage } from "../database/page";
import { namespaces } from "../schema/core";

/** @returns undefined when the name is taken. */
export async function insertNamespace(
  db: Database,
  namespace: Omit<Namespace, "createdAtMs">,
): Promise<Namespace | undefined> {
  const [row] = await db
    .insert(namespaces)
    .values({ ...namespace, createdAtMs: nowMs(db) })
    .onConflictDoNothing({ target: namespaces.name })
    .returning();
  return row;
}

export async function findNamespace(db: Database, id: string): Promise<Namespace | undefined> {
  const [row] = await db.select().from(namespaces).where(eq(namespaces.id, id));
  return row;
}

export async function findNamespaceByName(db: Database, name: string): Promise<Namespace | undefined> {
  const [row] = await db.select().from(namespaces).where(eq(namespaces.name, name));
  return row;
}

export async function listNamespaces(db: Database, request: PageRequest): Promise<Page<Namespace>> {
  const rows = await db
    .select()
    .from(namespaces)
    .where(and(after(request.after, namespaces.createdAtMs, namespaces.id)))
    .orderBy(...newestFirst(namespaces.createdAtMs, namespaces.id))
    .limit(request.limit + 1);
  return toPage(rows, request);
}

/**
 * Known ids by D1 binding, which outlives the handles that are made for each request. An entry can never be wrong:
 * no verb renames or removes a namespace. It holds the value and not its promise, because a Worker must not wait for
 * what another request began.
 */
const defaultIds = new WeakMap<D1Database, string>();

/** The id of the default namespace; it costs a read once in the life of an isolate. */
export async function getDefaultNamespaceId(db: Database): Promise<string> {
  const known = defaultIds.get(db.$client);
  if (known !== undefined) return known;
  const namespace = await findNamespaceByName(db, DEFAULT_NAMESPACE_NAME);
  if (namespace === undefined) throw new Error("The default namespace is missing: apply the migrations.");
  defaultIds.set(db.$client, namespace.id);
  return namespace.id;
}
