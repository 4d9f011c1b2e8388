CREATE TABLE `collection_vectors` (
	`collection_id` text NOT NULL,
	`embedder_id` text NOT NULL,
	`dimensions` integer NOT NULL,
	`stored_in` text NOT NULL,
	`memories` integer NOT NULL,
	PRIMARY KEY(`collection_id`, `embedder_id`, `dimensions`, `stored_in`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `memory_vector_blocks` (
	`seq` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`namespace_id` text NOT NULL,
	`collection_id` text NOT NULL,
	`embedder_id` text NOT NULL,
	`dimensions` integer NOT NULL,
	`memory_seqs` text NOT NULL,
	`vectors` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `memory_vector_blocks_id_unique` ON `memory_vector_blocks` (`id`);--> statement-breakpoint
CREATE INDEX `memory_vector_blocks_newest` ON `memory_vector_blocks` (`collection_id`,`embedder_id`,`dimensions`,`seq`);--> statement-breakpoint
CREATE TABLE `memory_vectors` (
	`seq` integer PRIMARY KEY NOT NULL,
	`memory_id` text NOT NULL,
	`namespace_id` text NOT NULL,
	`collection_id` text NOT NULL,
	`embedder_id` text NOT NULL,
	`dimensions` integer NOT NULL,
	`stored_in` text NOT NULL,
	`block_seq` integer
);
--> statement-breakpoint
CREATE INDEX `memory_vectors_block` ON `memory_vectors` (`block_seq`) WHERE block_seq IS NOT NULL;--> statement-breakpoint
CREATE TABLE `vector_removals` (
	`memory_id` text PRIMARY KEY NOT NULL,
	`since_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `vector_removals_since` ON `vector_removals` (`since_ms`,`memory_id`);
--> statement-breakpoint
CREATE TRIGGER memory_vectors_insert AFTER INSERT ON memory_vectors BEGIN
  INSERT INTO collection_vectors (collection_id, embedder_id, dimensions, stored_in, memories)
  VALUES (new.collection_id, new.embedder_id, new.dimensions, new.stored_in, 1)
  ON CONFLICT (collection_id, embedder_id, dimensions, stored_in) DO UPDATE SET memories = memories + 1;
END;
--> statement-breakpoint
CREATE TRIGGER memory_vectors_delete AFTER DELETE ON memory_vectors BEGIN
  UPDATE collection_vectors SET memories = memories - 1 WHERE collection_id = old.collection_id
    AND embedder_id = old.embedder_id AND dimensions = old.dimensions AND stored_in = old.stored_in;
  DELETE FROM collection_vectors WHERE collection_id = old.collection_id AND embedder_id = old.embedder_id
    AND dimensions = old.dimensions AND stored_in = old.stored_in AND memories = 0;
  DELETE FROM memory_vector_blocks WHERE seq = old.block_seq
    AND NOT EXISTS (SELECT 1 FROM memory_vectors WHERE block_seq = old.block_seq);
  INSERT INTO vector_removals (memory_id, since_ms)
  SELECT old.memory_id, CAST(unixepoch('subsec') * 1000 AS INTEGER) WHERE old.stored_in <> 'd1'
  ON CONFLICT (memory_id) DO UPDATE SET since_ms = excluded.since_ms;
END;
--> statement-breakpoint
-- Two blocks become one: the rows move, and the block goes with the last of them.
CREATE TRIGGER memory_vectors_moved AFTER UPDATE OF block_seq ON memory_vectors BEGIN
  DELETE FROM memory_vector_blocks WHERE seq = old.block_seq
    AND NOT EXISTS (SELECT 1 FROM memory_vectors WHERE block_seq = old.block_seq);
END;
--> statement-breakpoint
-- A vector is of one text. Whoever changes the text in the meantime finds its memory without a vector, not with a wrong one.
CREATE TRIGGER memories_vectors_update AFTER UPDATE OF text, vector_text, deleted_at_ms ON memories
WHEN new.text IS NOT old.text OR new.vector_text IS NOT old.vector_text OR new.deleted_at_ms IS NOT NULL BEGIN
  DELETE FROM memory_vectors WHERE seq = old.seq;
END;
--> statement-breakpoint
CREATE TRIGGER memories_vectors_delete AFTER DELETE ON memories BEGIN
  DELETE FROM memory_vectors WHERE seq = old.seq;
END;
