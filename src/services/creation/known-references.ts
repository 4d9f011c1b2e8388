import type {
  AgentReference,
  CollectionReference,
  ReadForCreation,
  References,
} from "../../data/requests/creation-read-store";
import type { Database } from "../../data/database/database";

/** Agents, and collections, that one isolate remembers for one database. An agent may be 30 KB. */
export const KNOWN_REFERENCES_MAX = 500;

/**
 * What creations of this isolate referred to lately. It may let a creation in, because the insert names the revision of
 * what is remembered; it never refuses one: what is not here, or does not fit, is read.
 *
 * It knows no promises: a Worker must not wait for what another call began.
 */
export class KnownReferences implements References {
  readonly #agents = new Map<string, AgentReference>();
  readonly #collections = new Map<string, CollectionReference>();

  findAgent(namespaceId: string, id: string): AgentReference | undefined {
    const agent = this.#agents.get(id);
    return agent?.namespaceId === namespaceId ? agent : undefined;
  }

  findCollection(namespaceId: string, id: string): CollectionReference | undefined {
    const collection = this.#collections.get(id);
    return collection?.namespaceId === namespaceId ? collection : undefined;
  }

  /** Keeps what D1 gave in one read. Of two reads that overtake each other the guard finds out. */
  keep({ agents, collections }: ReadForCreation["references"]): void {
    for (const agent of agents) put(this.#agents, agent.id, agent);
    for (const collection of collections) put(this.#collections, collection.id, collection);
  }
}

/** The entry goes to the end of the map, whose first is the one that was kept longest ago. */
function put<T>(map: Map<string, T>, id: string, value: T): void {
  map.delete(id);
  map.set(id, value);
  const [oldest] = map.keys();
  if (map.size > KNOWN_REFERENCES_MAX && oldest !== undefined) map.delete(oldest);
}

const opened = new WeakMap<Database["$client"], KnownReferences>();

/** Those of a D1 binding, which outlives the handles that are made for each request. */
export function knownReferencesOf({ $client }: Database): KnownReferences {
  const known = opened.get($client) ?? new KnownReferences();
  opened.set($client, known);
  return known;
}
