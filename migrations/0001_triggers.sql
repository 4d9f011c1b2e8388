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
--> statement-breakpoint
-- The namespace in which the admin key acts. Its id is random for each deployment: task ids derive from it.
INSERT INTO namespaces (id, name, created_at_ms)
VALUES ('namespace_' || lower(hex(randomblob(16))), 'default', CAST(strftime('%s', 'now') AS INTEGER) * 1000);
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
--> statement-breakpoint
-- Every change of a status is an event, whichever statement makes it: it stands in the same transaction, or neither does.
-- What had failed is tried again by a new run, whose statements follow.
CREATE TRIGGER tasks_events AFTER UPDATE OF status ON tasks WHEN new.status <> old.status BEGIN
  INSERT INTO task_events (task_id, sequence, namespace_id, kind, run, status, previous_status, done, failed, total, at_ms)
  SELECT new.id, coalesce((SELECT max(sequence) FROM task_events WHERE task_id = new.id), 1) + 1, new.namespace_id,
    'status', new.run, new.status, old.status,
    coalesce(sum(re_voiced + skipped + done), 0),
    coalesce(sum(iif(new.run > old.run AND cursor IS NULL, 0, failed)), 0),
    new.total, new.updated_at_ms
  FROM task_parts WHERE task_id = new.id;
END;
--> statement-breakpoint
-- A checkpoint that brought the work on. It stands on the event before it, so that no sum over all parts is needed;
-- those of the status are sums, and start the count anew.
CREATE TRIGGER task_parts_events AFTER UPDATE OF re_voiced, skipped, failed, done ON task_parts
WHEN old.lease_token IS NOT NULL
  AND new.re_voiced + new.skipped + new.done + new.failed > old.re_voiced + old.skipped + old.done + old.failed
BEGIN
  INSERT INTO task_events (task_id, sequence, namespace_id, kind, run, status, done, failed, total, at_ms)
  SELECT new.task_id, last.sequence + 1, new.namespace_id, 'progress', tasks.run, tasks.status,
    last.done + new.re_voiced + new.skipped + new.done - old.re_voiced - old.skipped - old.done,
    last.failed + new.failed - old.failed, tasks.total, new.updated_at_ms
  FROM tasks JOIN task_events AS last ON last.task_id = tasks.id
  WHERE tasks.id = new.task_id
    AND last.sequence = (SELECT max(sequence) FROM task_events WHERE task_id = new.task_id);
END;
--> statement-breakpoint
-- An item that was not simply re-voiced. The checkpoint that counts it follows.
CREATE TRIGGER task_items_events AFTER UPDATE OF verdict ON task_items
WHEN old.verdict IS NULL AND new.verdict IN ('flagged', 'skipped', 'failed')
BEGIN
  INSERT INTO task_events (task_id, sequence, namespace_id, kind, run, status, done, failed, total, item, at_ms)
  SELECT new.task_id, last.sequence + 1, new.namespace_id, 'item', tasks.run, tasks.status, last.done, last.failed,
    tasks.total, json_object('position', new.position, 'sourceMemoryId', new.source_memory_id,
      'resultMemoryId', new.result_memory_id, 'verdict', new.verdict, 'code', json_extract(new.problem, '$.code')),
    new.ended_at_ms
  FROM tasks JOIN task_events AS last ON last.task_id = tasks.id
  WHERE tasks.id = new.task_id
    AND last.sequence = (SELECT max(sequence) FROM task_events WHERE task_id = new.task_id);
END;
--> statement-breakpoint
-- A task that names an address makes its endpoint, in the same transaction. One that was deleted comes back with another
-- secret. A task may be born canceled: then that is told too.
CREATE TRIGGER tasks_webhook_born AFTER INSERT ON tasks WHEN new.webhook IS NOT NULL BEGIN
  INSERT INTO webhooks (id, namespace_id, url, enabled, version, secret_version, secret_key, created_at_ms, updated_at_ms)
  VALUES (new.webhook ->> 'id', new.namespace_id, new.webhook ->> 'url', 1, 1, 1, new.webhook ->> 'secretKey',
    new.updated_at_ms, new.updated_at_ms)
  ON CONFLICT (id) DO UPDATE SET url = excluded.url, enabled = 1, disabled_reason = NULL, version = version + 1,
    secret_version = secret_version + 1, secret_key = excluded.secret_key, former_secret_key = NULL,
    rotated_at_ms = NULL, created_at_ms = excluded.created_at_ms, updated_at_ms = excluded.updated_at_ms, deleted_at_ms = NULL
  WHERE deleted_at_ms IS NOT NULL;
  INSERT INTO webhook_deliveries (id, namespace_id, webhook_id, task_id, run, event, payload, state, attempts,
    next_attempt_at_ms, look_at_ms, log, created_at_ms)
  SELECT 'delivery_' || substr(new.id, 6) || '_' || new.run, new.namespace_id, webhooks.id, new.id, new.run, new.status,
    json_object('taskId', new.id, 'requestId', new.request_id, 'operation', new.operation, 'run', new.run,
      'status', new.status, 'progress', json_object('done', 0, 'failed', 0, 'total', new.total),
      'result', json_set(new.result, '$.operation', new.operation), 'error', json(new.error), 'endedAtMs', new.ended_at_ms),
    'pending', 0, new.ended_at_ms, new.ended_at_ms + 30000, '[]', new.ended_at_ms
  FROM webhooks
  WHERE webhooks.id = new.webhook ->> 'id' AND webhooks.enabled = 1 AND webhooks.deleted_at_ms IS NULL
    AND new.ended_at_ms IS NOT NULL
    AND EXISTS (SELECT 1 FROM json_each(new.webhook, '$.events') WHERE value = new.status)
    AND NOT EXISTS (SELECT 1 FROM webhook_deliveries WHERE id = 'delivery_' || substr(new.id, 6) || '_' || new.run);
END;
--> statement-breakpoint
-- The same for a reservation that is filled.
CREATE TRIGGER tasks_webhook_filled AFTER UPDATE OF webhook ON tasks
WHEN old.webhook IS NULL AND new.webhook IS NOT NULL BEGIN
  INSERT INTO webhooks (id, namespace_id, url, enabled, version, secret_version, secret_key, created_at_ms, updated_at_ms)
  VALUES (new.webhook ->> 'id', new.namespace_id, new.webhook ->> 'url', 1, 1, 1, new.webhook ->> 'secretKey',
    new.updated_at_ms, new.updated_at_ms)
  ON CONFLICT (id) DO UPDATE SET url = excluded.url, enabled = 1, disabled_reason = NULL, version = version + 1,
    secret_version = secret_version + 1, secret_key = excluded.secret_key, former_secret_key = NULL,
    rotated_at_ms = NULL, created_at_ms = excluded.created_at_ms, updated_at_ms = excluded.updated_at_ms, deleted_at_ms = NULL
  WHERE deleted_at_ms IS NOT NULL;
  INSERT INTO webhook_deliveries (id, namespace_id, webhook_id, task_id, run, event, payload, state, attempts,
    next_attempt_at_ms, look_at_ms, log, created_at_ms)
  SELECT 'delivery_' || substr(new.id, 6) || '_' || new.run, new.namespace_id, webhooks.id, new.id, new.run, new.status,
    json_object('taskId', new.id, 'requestId', new.request_id, 'operation', new.operation, 'run', new.run,
      'status', new.status, 'progress', json_object('done', 0, 'failed', 0, 'total', new.total),
      'result', json_set(new.result, '$.operation', new.operation), 'error', json(new.error), 'endedAtMs', new.ended_at_ms),
    'pending', 0, new.ended_at_ms, new.ended_at_ms + 30000, '[]', new.ended_at_ms
  FROM webhooks
  WHERE webhooks.id = new.webhook ->> 'id' AND webhooks.enabled = 1 AND webhooks.deleted_at_ms IS NULL
    AND new.ended_at_ms IS NOT NULL
    AND EXISTS (SELECT 1 FROM json_each(new.webhook, '$.events') WHERE value = new.status)
    AND NOT EXISTS (SELECT 1 FROM webhook_deliveries WHERE id = 'delivery_' || substr(new.id, 6) || '_' || new.run);
END;
--> statement-breakpoint
-- The outbox: whichever statement ends a task writes the delivery with it. What empties a task while it ends it leaves
-- the wish in the old row.
CREATE TRIGGER tasks_webhook_end AFTER UPDATE OF status ON tasks
WHEN new.status <> old.status AND coalesce(new.webhook, old.webhook) IS NOT NULL
  AND new.status IN ('complete', 'canceled', 'error')
BEGIN
  INSERT INTO webhook_deliveries (id, namespace_id, webhook_id, task_id, run, event, payload, state, attempts,
    next_attempt_at_ms, look_at_ms, log, created_at_ms)
  SELECT 'delivery_' || substr(new.id, 6) || '_' || new.run, new.namespace_id, webhooks.id, new.id, new.run, new.status,
    json_object('taskId', new.id, 'requestId', new.request_id, 'operation', new.operation, 'run', new.run,
      'status', new.status, 'progress', json_object(
        'done', (SELECT coalesce(sum(re_voiced + skipped + done), 0) FROM task_parts WHERE task_id = new.id),
        'failed', (SELECT coalesce(sum(failed), 0) FROM task_parts WHERE task_id = new.id), 'total', new.total),
      'result', json_set(new.result, '$.operation', new.operation), 'error', json(new.error), 'endedAtMs', new.ended_at_ms),
    'pending', 0, new.ended_at_ms, new.ended_at_ms + 30000, '[]', new.ended_at_ms
  FROM webhooks
  WHERE webhooks.id = coalesce(new.webhook, old.webhook) ->> 'id' AND webhooks.enabled = 1
    AND webhooks.deleted_at_ms IS NULL AND new.ended_at_ms IS NOT NULL
    AND EXISTS (SELECT 1 FROM json_each(coalesce(new.webhook, old.webhook), '$.events') WHERE value = new.status)
    AND NOT EXISTS (SELECT 1 FROM webhook_deliveries WHERE id = 'delivery_' || substr(new.id, 6) || '_' || new.run);
END;
--> statement-breakpoint
-- What a creation reads of an agent or a collection has a revision, and its insert names it. Every change of the two counts,
-- and for an agent those of its bindings too: whichever statement makes them. Memories that come and go do not.
CREATE TRIGGER agents_revision AFTER UPDATE OF version, deleted_at_ms ON agents BEGIN
  UPDATE agents SET revision = revision + 1 WHERE id = new.id;
END;
--> statement-breakpoint
CREATE TRIGGER collections_revision AFTER UPDATE OF version, deleted_at_ms ON collections BEGIN
  UPDATE collections SET revision = revision + 1 WHERE id = new.id;
  UPDATE agents SET revision = revision + 1
  WHERE new.deleted_at_ms IS NOT old.deleted_at_ms
    AND id IN (SELECT agent_id FROM agent_collections WHERE collection_id = new.id);
END;
--> statement-breakpoint
CREATE TRIGGER agent_collections_revision_insert AFTER INSERT ON agent_collections BEGIN
  UPDATE agents SET revision = revision + 1 WHERE id = new.agent_id;
END;
--> statement-breakpoint
CREATE TRIGGER agent_collections_revision_delete AFTER DELETE ON agent_collections BEGIN
  UPDATE agents SET revision = revision + 1 WHERE id = old.agent_id;
END;
--> statement-breakpoint
-- A reservation that was filled or has ended is held no more, whichever statement does it.
CREATE TRIGGER tasks_unheld AFTER UPDATE OF status ON tasks WHEN old.status = 'unbound' AND new.status <> 'unbound' BEGIN
  UPDATE requests SET held_until_ms = NULL WHERE id = new.id;
END;
