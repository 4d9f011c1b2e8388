import canonicalize from "canonicalize";
import { sha256Hex } from "../../domain/ids";
import type { MemoryContent } from "../../domain/memories/memory";

/** What makes an added memory the same as one that is there: its external id, else what it says. */
export async function sameKeyOf({ externalId, text, type, occurredAtMs, agentId }: MemoryContent): Promise<string> {
  if (externalId !== null) return `x:${externalId}`;
  return `h:${await sha256Hex(JSON.stringify([text, type, occurredAtMs, agentId]))}`;
}

/** Canonical, so that the order of keys in the metadata makes no difference. */
export function digestOf(content: MemoryContent): Promise<string> {
  return sha256Hex(canonicalize(content) ?? "");
}
