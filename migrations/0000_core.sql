CREATE TABLE `agent_collections` (
	`agent_id` text NOT NULL,
	`collection_id` text NOT NULL,
	`namespace_id` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	PRIMARY KEY(`agent_id`, `collection_id`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `agent_collections_collection` ON `agent_collections` (`collection_id`);--> statement-breakpoint
CREATE TABLE `agents` (
	`id` text PRIMARY KEY NOT NULL,
	`namespace_id` text NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`persona` text,
	`voice` text NOT NULL,
	`memory_settings` text NOT NULL,
	`enabled` integer NOT NULL,
	`managed` integer NOT NULL,
	`metadata` text NOT NULL,
	`version` integer NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL,
	`deleted_at_ms` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `agents_name` ON `agents` (`namespace_id`,`name`) WHERE deleted_at_ms IS NULL;--> statement-breakpoint
CREATE INDEX `agents_list` ON `agents` (`namespace_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE TABLE `api_keys` (
	`id` text PRIMARY KEY NOT NULL,
	`namespace_id` text NOT NULL,
	`name` text NOT NULL,
	`prefix` text NOT NULL,
	`secret_hash` text NOT NULL,
	`expires_at_ms` integer,
	`created_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `api_keys_list` ON `api_keys` (`namespace_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE TABLE `collections` (
	`id` text PRIMARY KEY NOT NULL,
	`namespace_id` text NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`agent_id` text,
	`metadata` text NOT NULL,
	`memory_count` integer NOT NULL,
	`version` integer NOT NULL,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL,
	`deleted_at_ms` integer
);
--> statement-breakpoint
CREATE INDEX `collections_list` ON `collections` (`namespace_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE INDEX `collections_agent` ON `collections` (`agent_id`) WHERE agent_id IS NOT NULL;--> statement-breakpoint
CREATE TABLE `memories` (
	`seq` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`namespace_id` text NOT NULL,
	`collection_id` text NOT NULL,
	`agent_id` text,
	`text` text NOT NULL,
	`vector_text` text,
	`type` text NOT NULL,
	`importance` integer NOT NULL,
	`memo` text,
	`metadata` text NOT NULL,
	`occurred_at_ms` integer,
	`created_at_ms` integer NOT NULL,
	`updated_at_ms` integer NOT NULL,
	`accessed_at_ms` integer,
	`access_count` integer NOT NULL,
	`child_memory_ids` text NOT NULL,
	`external_id` text,
	`same_key` text,
	`digest` text,
	`source_memory_id` text,
	`task_id` text,
	`deleted_at_ms` integer
);
--> statement-breakpoint
CREATE UNIQUE INDEX `memories_id` ON `memories` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `memories_same` ON `memories` (`collection_id`,`same_key`) WHERE same_key IS NOT NULL AND deleted_at_ms IS NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `memories_source` ON `memories` (`source_memory_id`,`task_id`) WHERE task_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `memories_list` ON `memories` (`collection_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE TABLE `namespaces` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`created_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `namespaces_name_unique` ON `namespaces` (`name`);--> statement-breakpoint
CREATE TABLE `task_items` (
	`task_id` text NOT NULL,
	`position` integer NOT NULL,
	`namespace_id` text NOT NULL,
	`source_memory_id` text NOT NULL,
	`verdict` text,
	`result_memory_id` text,
	`problem` text,
	`model_calls` integer NOT NULL,
	`input_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`ended_at_ms` integer,
	PRIMARY KEY(`task_id`, `position`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `task_parts` (
	`task_id` text NOT NULL,
	`part` integer NOT NULL,
	`first_position` integer NOT NULL,
	`end_position` integer NOT NULL,
	`namespace_id` text NOT NULL,
	`status` text NOT NULL,
	`lease_token` text,
	`lease_expires_at_ms` integer,
	`attempts` integer NOT NULL,
	`not_before_ms` integer NOT NULL,
	`last_error` text,
	`re_voiced` integer NOT NULL,
	`flagged` integer NOT NULL,
	`skipped` integer NOT NULL,
	`failed` integer NOT NULL,
	`model_calls` integer NOT NULL,
	`input_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`updated_at_ms` integer NOT NULL,
	PRIMARY KEY(`task_id`, `part`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `task_parts_open` ON `task_parts` (`task_id`,`part`) WHERE status = 'open';--> statement-breakpoint
CREATE TABLE `tasks` (
	`id` text PRIMARY KEY NOT NULL,
	`namespace_id` text NOT NULL,
	`request_id` text NOT NULL,
	`key_id` text NOT NULL,
	`type` text NOT NULL,
	`operation` text NOT NULL,
	`status` text NOT NULL,
	`name` text,
	`tags` text NOT NULL,
	`memo` text,
	`metadata` text NOT NULL,
	`fingerprint` text NOT NULL,
	`command` text NOT NULL,
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
CREATE UNIQUE INDEX `tasks_request` ON `tasks` (`namespace_id`,`request_id`);--> statement-breakpoint
CREATE INDEX `tasks_list` ON `tasks` (`namespace_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE INDEX `tasks_still` ON `tasks` (`poked_at_ms`,`id`) WHERE ended_at_ms IS NULL;