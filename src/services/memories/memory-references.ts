import { findAgentDeletions } from "../../data/agents/agent-store";
import { findMemoryDeletions } from "../../data/memories/memory-store";
import { ID_CHARACTERS_MAX } from "../../domain/ids";
import type { MemoryContent } from "../../domain/memories/memory";
import type { CallContext } from "../context";
import { gone, notFound } from "../errors/errors";
import { fail, type Outcome } from "../errors/outcome";

/** What a memory refers to. */
export type References = Pick<MemoryContent, "agentId" | "childMemoryIds">;

/**
 * Refuses the memories that refer to agents or child memories that are not there.
 * @param pointerOf where a memory stands in the body of the call.
 */
export async function checkReferences<T extends References>(
  ctx: CallContext,
  collectionId: string,
  given: readonly Outcome<T>[],
  pointerOf: (index: number) => string,
): Promise<readonly Outcome<T>[]> {
  const contents = given.flatMap((outcome) => (outcome.ok ? [outcome.value] : []));
  const agentIds = idsToAsk(contents.flatMap(({ agentId }) => (agentId === null ? [] : [agentId])));
  const childIds = idsToAsk(contents.flatMap(({ childMemoryIds }) => childMemoryIds));
  const [agents, children] = await Promise.all([
    agentIds.length === 0 ? NONE : findAgentDeletions(ctx.db, ctx.namespaceId, agentIds),
    childIds.length === 0 ? NONE : findMemoryDeletions(ctx.db, ctx.namespaceId, collectionId, childIds),
  ]);
  return given.map((outcome, index) => {
    if (!outcome.ok) return outcome;
    const { agentId, childMemoryIds } = outcome.value;
    const at = pointerOf(index);
    const fault =
      (agentId === null ? undefined : missing("agent", agents.get(agentId), `${at}/agent_id`)) ??
      firstDefined(childMemoryIds, (id, i) => missing("memory", children.get(id), `${at}/child_memory_ids/${i}`));
    return fault === undefined ? outcome : fail(fault);
  });
}

const NONE: ReadonlyMap<string, number | null> = new Map();

function idsToAsk(ids: readonly string[]): readonly string[] {
  return [...new Set(ids)].filter((id) => id.length <= ID_CHARACTERS_MAX);
}

/** @param deletedAtMs undefined when it is unknown, null when it is there. */
function missing(noun: "agent" | "memory", deletedAtMs: number | null | undefined, pointer: string) {
  if (deletedAtMs === null) return undefined;
  const error = (deletedAtMs === undefined ? notFound(noun) : gone(noun)).value;
  return { ...error, faults: [{ pointer, detail: error.message }] };
}

function firstDefined<T, R>(items: readonly T[], find: (item: T, index: number) => R | undefined): R | undefined {
  for (const [index, item] of items.entries()) {
    const found = find(item, index);
    if (found !== undefined) return found;
  }
  return undefined;
}
