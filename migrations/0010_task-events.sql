CREATE TABLE `task_events` (
	`task_id` text NOT NULL,
	`sequence` integer NOT NULL,
	`namespace_id` text NOT NULL,
	`kind` text NOT NULL,
	`run` integer NOT NULL,
	`status` text NOT NULL,
	`previous_status` text,
	`done` integer NOT NULL,
	`failed` integer NOT NULL,
	`total` integer,
	`item` text,
	`at_ms` integer NOT NULL,
	PRIMARY KEY(`task_id`, `sequence`)
) WITHOUT ROWID;
--> statement-breakpoint
ALTER TABLE `tasks` ADD `watched_until_ms` integer;--> statement-breakpoint
ALTER TABLE `tasks` ADD `run_started_at_ms` integer;--> statement-breakpoint
ALTER TABLE `tasks` ADD `run_base` integer DEFAULT 0 NOT NULL;
--> statement-breakpoint
-- Every change of a status is an event, whichever statement makes it: it stands in the same transaction, or neither does.
-- What had failed is tried again by a new run, whose statements follow.
CREATE TRIGGER tasks_events AFTER UPDATE OF status ON tasks WHEN new.status <> old.status BEGIN
  INSERT INTO task_events (task_id, sequence, namespace_id, kind, run, status, previous_status, done, failed, total, at_ms)
  SELECT new.id, coalesce((SELECT max(sequence) FROM task_events WHERE task_id = new.id), 1) + 1, new.namespace_id,
    CASE WHEN new.status IN ('complete', 'canceled', 'error') THEN 'end' ELSE 'status' END,
    new.run, new.status, old.status,
    coalesce(sum(re_voiced + skipped + done), 0),
    coalesce(sum(CASE WHEN new.run > old.run AND cursor IS NULL THEN 0 ELSE failed END), 0),
    new.total, new.updated_at_ms
  FROM task_parts WHERE task_id = new.id;
END;
--> statement-breakpoint
-- A checkpoint that brought the work on. It stands on the event before it, so that no sum over all parts is needed;
-- those of the status are sums, and begin the count anew.
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
