import { findNamespaceByName, insertNamespace, listNamespaces as listStored } from "../../data/access/namespace-store";
import { newId } from "../../domain/ids";
import type { Namespace } from "../../domain/access/namespace";
import type { Page, PageRequest } from "../../domain/page";
import type { CallContext } from "../context";
import { ServiceError } from "../errors/errors";

/** @throws ServiceError `admin-key-required` unless the admin key calls. */
export function requireAdmin(ctx: CallContext): void {
  if (ctx.admin) return;
  throw new ServiceError("forbidden", "admin-key-required", "Only the admin key may manage namespaces and keys.");
}

/** @throws ServiceError `admin-key-required`; `namespace-name-taken`, which names the namespace that has it. */
export async function createNamespace(ctx: CallContext, name: string): Promise<Namespace> {
  requireAdmin(ctx);
  const namespace = await insertNamespace(ctx.db, { id: newId("namespace"), name });
  if (namespace !== undefined) return namespace;
  const holder = await findNamespaceByName(ctx.db, name);
  throw new ServiceError("conflict", "namespace-name-taken", "Another namespace has this name. Choose another.", {
    faults: [{ pointer: "/name", detail: "Choose a name that no namespace has." }],
    extensions: { namespace_id: holder?.id },
  });
}

/** @throws ServiceError `admin-key-required`. */
export async function listNamespaces(ctx: CallContext, page: PageRequest): Promise<Page<Namespace>> {
  requireAdmin(ctx);
  return listStored(ctx.db, page);
}
