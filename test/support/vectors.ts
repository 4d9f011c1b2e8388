import { env } from "cloudflare:workers";
import { openDatabase } from "../../src/data/database/database";
import { type CollectionPlace, findUnembedded } from "../../src/data/vectors/vector-store";
import type { VectorSpace } from "../../src/domain/vectors/vector-space";
import type { EmbeddedMemory } from "../../src/services/ports/ports";
import { withFaults } from "./faulty-bindings";
import { remember } from "./recalling";
import { rows } from "./scene";

export const vectorDb = openDatabase(withFaults(env).DB);

/** A space of a plane: the vector at an angle of so many degrees. */
export const PLANE: VectorSpace = { embedderId: "compass", dimensions: 2, storedIn: "d1" };

export function vectorAt(degrees: number): Float32Array {
  const radians = (degrees * Math.PI) / 180;
  return Float32Array.of(Math.cos(radians), Math.sin(radians));
}

/** Stored memories without a vector, as an embedder would hand them on, at these angles. */
export async function memoriesAt(
  place: CollectionPlace,
  degrees: readonly number[],
  space: VectorSpace = PLANE,
): Promise<readonly EmbeddedMemory[]> {
  const [first, ...rest] = degrees.map((each) => `at ${each}`);
  const stored = await remember(place, first ?? "", ...rest);
  const ids = stored.map(({ id }) => id);
  const read: EmbeddedMemory[] = [];
  for (let at = 0; at < ids.length; at += 100) {
    const found = await findUnembedded(vectorDb, place, ids.slice(at, at + 100), space);
    const byId = new Map(found.map((memory) => [memory.id, memory]));
    for (const [offset, id] of ids.slice(at, at + 100).entries()) {
      const memory = byId.get(id);
      if (memory === undefined) throw new Error("A memory that was just stored is not there.");
      read.push({ ...memory, vector: vectorAt(degrees[at + offset] ?? 0) });
    }
  }
  return read;
}

/** How many memories each block of a collection speaks for, the newest first. */
export async function blockSizes({ collectionId }: CollectionPlace): Promise<number[]> {
  const found = await rows<{ live: number }>(
    `SELECT (SELECT count(*) FROM memory_vectors WHERE block_seq = b.seq) AS live
     FROM memory_vector_blocks b WHERE collection_id = ? ORDER BY seq DESC`,
    collectionId,
  );
  return found.map(({ live }) => live);
}

/** What the triggers count, and what there is to count. */
export async function vectorCounts({ collectionId }: CollectionPlace): Promise<{ counted: number; marked: number }> {
  const [found] = await rows<{ counted: number; marked: number }>(
    `SELECT (SELECT coalesce(sum(memories), 0) FROM collection_vectors WHERE collection_id = ?1) AS counted,
       (SELECT count(*) FROM memory_vectors WHERE collection_id = ?1) AS marked`,
    collectionId,
  );
  return found ?? { counted: -1, marked: -1 };
}

/** Changes a stored memory past the API. @param sql what is set. */
export function change(sql: string, { id }: EmbeddedMemory): Promise<unknown> {
  return rows(`UPDATE memories SET ${sql} WHERE id = ?`, id);
}
