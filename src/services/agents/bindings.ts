import { insertBinding, isBound, listBoundCollections, removeBinding } from "../../data/agents/binding-store";
import { AGENT_COLLECTIONS_MAX } from "../../domain/agents/agent";
import type { Collection } from "../../domain/collections/collection";
import type { Page, PageRequest } from "../../domain/page";
import { getAgent } from "./agents";
import { getCollection } from "../collections/collections";
import type { CallContext } from "../context";
import { ServiceError } from "../errors/errors";

/** The collections that an agent recalls from. @throws ServiceError `agent-not-found`, `agent-deleted`. */
export async function listAgentCollections(
  ctx: CallContext,
  agentId: string,
  page: PageRequest,
): Promise<Page<Collection>> {
  await getAgent(ctx, agentId);
  return listBoundCollections(ctx.db, ctx.namespaceId, agentId, page);
}

/**
 * Binds a collection to an agent; bound already, it stays so.
 * @throws ServiceError `agent-not-found`, `agent-deleted`, `collection-not-found`, `collection-deleted`,
 * `agent-collections-full`.
 */
export async function bindCollection(ctx: CallContext, agentId: string, collectionId: string): Promise<void> {
  if (await insertBinding(ctx.db, ctx.namespaceId, agentId, collectionId)) return;
  await getAgent(ctx, agentId);
  await getCollection(ctx, collectionId);
  if (await isBound(ctx.db, ctx.namespaceId, agentId, collectionId)) return;
  const detail = `An agent is bound to at most ${AGENT_COLLECTIONS_MAX} collections. Unbind one first.`;
  throw new ServiceError("conflict", "agent-collections-full", detail);
}

/** Unbinds; not bound, it stays so. @throws ServiceError as {@link bindCollection}, but for the last. */
export async function unbindCollection(ctx: CallContext, agentId: string, collectionId: string): Promise<void> {
  await getAgent(ctx, agentId);
  await getCollection(ctx, collectionId, true);
  await removeBinding(ctx.db, ctx.namespaceId, agentId, collectionId);
}
