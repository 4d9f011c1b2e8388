CREATE TABLE `held_ids` (
	`namespace_id` text NOT NULL,
	`task_id` text NOT NULL,
	`until_ms` integer NOT NULL,
	PRIMARY KEY(`namespace_id`, `task_id`)
) WITHOUT ROWID;
--> statement-breakpoint
PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_tasks` (
	`id` text PRIMARY KEY NOT NULL,
	`namespace_id` text NOT NULL,
	`request_id` text NOT NULL,
	`key_id` text NOT NULL,
	`type` text NOT NULL,
	`operation` text,
	`status` text NOT NULL,
	`name` text,
	`tags` text NOT NULL,
	`memo` text,
	`metadata` text NOT NULL,
	`fingerprint` text NOT NULL,
	`command` text,
	`run` integer NOT NULL,
	`attempts` integer NOT NULL,
	`total` integer,
	`planned_at_ms` integer,
	`result` text,
	`error` text,
	`created_at_ms` integer NOT NULL,
	`started_at_ms` integer,
	`updated_at_ms` integer NOT NULL,
	`ended_at_ms` integer,
	`poked_at_ms` integer NOT NULL,
	`deleted_at_ms` integer
);
--> statement-breakpoint
INSERT INTO `__new_tasks`("id", "namespace_id", "request_id", "key_id", "type", "operation", "status", "name", "tags", "memo", "metadata", "fingerprint", "command", "run", "attempts", "total", "planned_at_ms", "result", "error", "created_at_ms", "started_at_ms", "updated_at_ms", "ended_at_ms", "poked_at_ms", "deleted_at_ms") SELECT "id", "namespace_id", "request_id", "key_id", "type", "operation", "status", "name", "tags", "memo", "metadata", "fingerprint", "command", "run", "attempts", "total", "planned_at_ms", "result", "error", "created_at_ms", "started_at_ms", "updated_at_ms", "ended_at_ms", "poked_at_ms", "deleted_at_ms" FROM `tasks`;--> statement-breakpoint
DROP TABLE `tasks`;--> statement-breakpoint
ALTER TABLE `__new_tasks` RENAME TO `tasks`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE INDEX `tasks_list` ON `tasks` (`namespace_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE INDEX `tasks_still` ON `tasks` (`poked_at_ms`,`id`) WHERE ended_at_ms IS NULL;