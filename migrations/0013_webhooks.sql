CREATE TABLE `webhook_deliveries` (
	`id` text PRIMARY KEY NOT NULL,
	`namespace_id` text NOT NULL,
	`webhook_id` text NOT NULL,
	`task_id` text NOT NULL,
	`run` integer NOT NULL,
	`event` text NOT NULL,
	`payload` text NOT NULL,
	`state` text NOT NULL,
	`attempts` integer NOT NULL,
	`next_attempt_at_ms` integer NOT NULL,
	`look_at_ms` integer NOT NULL,
	`lease_token` text,
	`lease_expires_at_ms` integer,
	`log` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`ended_at_ms` integer
);
--> statement-breakpoint
CREATE INDEX `webhook_deliveries_list` ON `webhook_deliveries` (`webhook_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE INDEX `webhook_deliveries_due` ON `webhook_deliveries` (`look_at_ms`,`id`) WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX `webhook_deliveries_leased` ON `webhook_deliveries` (`webhook_id`,`lease_expires_at_ms`) WHERE lease_token IS NOT NULL;--> statement-breakpoint
CREATE INDEX `webhook_deliveries_old` ON `webhook_deliveries` (`created_at_ms`,`id`);--> statement-breakpoint
CREATE TABLE `webhooks` (
	`id` text PRIMARY KEY NOT NULL,
	`namespace_id` text NOT NULL,
	`url` text NOT NULL,
	`description` text,
	`enabled` integer NOT NULL,
	`disabled_reason` text,
	`version` integer NOT NULL,
	`secret_version` integer NOT NULL,
	`secret_key` text NOT NULL,
	`former_secret_key` text,
	`rotated_at_ms` integer,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL,
	`deleted_at_ms` integer
);
--> statement-breakpoint
CREATE INDEX `webhooks_list` ON `webhooks` (`namespace_id`,`created_at_ms`,`id`);--> statement-breakpoint
ALTER TABLE `tasks` ADD `webhook` text;
--> statement-breakpoint
-- A task that names an address makes its endpoint, in the same transaction. One that was deleted comes back with another
-- secret. A task may be born in its end: then that is told too.
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
