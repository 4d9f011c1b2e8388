CREATE TABLE `collection_texts` (
	`collection_id` text PRIMARY KEY NOT NULL,
	`memories` integer NOT NULL,
	`characters` integer NOT NULL,
	`first_seq` integer NOT NULL,
	`last_seq` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO collection_texts (collection_id, memories, characters, first_seq, last_seq)
SELECT collection_id, count(*), sum(length(text) + coalesce(length(vector_text), 0)), min(seq), max(seq)
FROM memories WHERE deleted_at_ms IS NULL GROUP BY collection_id;
--> statement-breakpoint
-- Kept true in the transaction of every write: a search must not read all memories to know how many there are.
CREATE TRIGGER memories_texts_insert AFTER INSERT ON memories WHEN new.deleted_at_ms IS NULL BEGIN
  INSERT INTO collection_texts (collection_id, memories, characters, first_seq, last_seq)
  VALUES (new.collection_id, 1, length(new.text) + coalesce(length(new.vector_text), 0), new.seq, new.seq)
  ON CONFLICT (collection_id) DO UPDATE SET memories = memories + 1, characters = characters + excluded.characters,
    first_seq = min(first_seq, excluded.first_seq), last_seq = max(last_seq, excluded.last_seq);
END;
--> statement-breakpoint
CREATE TRIGGER memories_texts_delete AFTER DELETE ON memories WHEN old.deleted_at_ms IS NULL BEGIN
  UPDATE collection_texts SET memories = memories - 1,
    characters = characters - length(old.text) - coalesce(length(old.vector_text), 0)
  WHERE collection_id = old.collection_id;
  DELETE FROM collection_texts WHERE collection_id = old.collection_id AND memories = 0;
END;
--> statement-breakpoint
-- One sum for a change of text, a soft deletion and its undoing: what is deleted weighs nothing.
CREATE TRIGGER memories_texts_update AFTER UPDATE OF text, vector_text, deleted_at_ms ON memories BEGIN
  INSERT INTO collection_texts (collection_id, memories, characters, first_seq, last_seq)
  VALUES (
    new.collection_id,
    (new.deleted_at_ms IS NULL) - (old.deleted_at_ms IS NULL),
    (new.deleted_at_ms IS NULL) * (length(new.text) + coalesce(length(new.vector_text), 0))
      - (old.deleted_at_ms IS NULL) * (length(old.text) + coalesce(length(old.vector_text), 0)),
    new.seq,
    new.seq
  )
  ON CONFLICT (collection_id) DO UPDATE SET
    memories = memories + excluded.memories, characters = characters + excluded.characters,
    first_seq = min(first_seq, excluded.first_seq), last_seq = max(last_seq, excluded.last_seq);
END;
