-- The word index of all memories. `scope` holds the id of the collection as one token, so that a search reads the
-- words of that collection only. Contentless: the texts stay in `memories`. Triggers keep it true in the same transaction.
CREATE VIRTUAL TABLE memory_words USING fts5(scope, words, content='', contentless_delete=1, tokenize='porter unicode61');
--> statement-breakpoint
CREATE TRIGGER memories_words_insert AFTER INSERT ON memories WHEN new.deleted_at_ms IS NULL BEGIN
  INSERT INTO memory_words(rowid, scope, words)
  VALUES (new.seq, substr(new.collection_id, 12), new.text || ' ' || coalesce(new.vector_text, ''));
END;
--> statement-breakpoint
CREATE TRIGGER memories_words_delete AFTER DELETE ON memories WHEN old.deleted_at_ms IS NULL BEGIN
  DELETE FROM memory_words WHERE rowid = old.seq;
END;
--> statement-breakpoint
CREATE TRIGGER memories_words_update AFTER UPDATE OF text, vector_text, deleted_at_ms ON memories BEGIN
  DELETE FROM memory_words WHERE rowid = old.seq;
  INSERT INTO memory_words(rowid, scope, words)
  SELECT new.seq, substr(new.collection_id, 12), new.text || ' ' || coalesce(new.vector_text, '')
  WHERE new.deleted_at_ms IS NULL;
END;
