import type { WordTable } from "../../domain/recall/word-table";
import type { WordVectors } from "../../services/ports/ports";
import { readWordTable } from "./word-table";

/** What the table at WORD_VECTORS_PATH holds: GloVe, 20,000 words, see public/embedder/NOTICE.txt. */
const ID = "embedded-glove-100d-20k";
const DIMENSIONS = 100;

/** Where the table lies among the Worker's assets. */
export const WORD_VECTORS_PATH = "/embedder/glove-100d-20k.bin";

/**
 * The embedded embedder: vectors of words, none of texts. The table is read at its first use and kept.
 * @param read gives the bytes of the table, or throws.
 */
export function embeddedWordVectors(read: () => Promise<ArrayBuffer>): WordVectors {
  // Only the table itself is kept: Workers let no request wait for what another one reads.
  let table: WordTable | undefined;
  return {
    id: ID,
    dimensions: DIMENSIONS,
    open: async () => (table ??= readWordTable(await read())),
  };
}
