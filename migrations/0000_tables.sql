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
	`revision` integer DEFAULT 1 NOT NULL,
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
CREATE TABLE `collection_removals` (
	`collection_id` text PRIMARY KEY NOT NULL,
	`namespace_id` text NOT NULL,
	`created_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `collection_texts` (
	`collection_id` text PRIMARY KEY NOT NULL,
	`memories` integer NOT NULL,
	`characters` integer NOT NULL,
	`first_seq` integer NOT NULL,
	`last_seq` integer NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `collections` (
	`id` text PRIMARY KEY NOT NULL,
	`namespace_id` text NOT NULL,
	`name` text NOT NULL,
	`description` text,
	`agent_id` text,
	`metadata` text NOT NULL,
	`memory_count` integer NOT NULL,
	`version` integer NOT NULL,
	`revision` integer DEFAULT 1 NOT NULL,
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
	`deleted_at_ms` integer,
	`version` integer DEFAULT 1 NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `memories_id` ON `memories` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `memories_same` ON `memories` (`collection_id`,`same_key`) WHERE same_key IS NOT NULL AND deleted_at_ms IS NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `memories_source` ON `memories` (`source_memory_id`,`task_id`,`collection_id`) WHERE task_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `memories_list` ON `memories` (`collection_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE TABLE `namespaces` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`created_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `namespaces_name_unique` ON `namespaces` (`name`);--> statement-breakpoint
CREATE INDEX `namespaces_list` ON `namespaces` (`created_at_ms`,`id`);--> statement-breakpoint
CREATE TABLE `requests` (
	`id` text PRIMARY KEY NOT NULL,
	`namespace_id` text NOT NULL,
	`request_id` text NOT NULL,
	`door` text NOT NULL,
	`fingerprint` text,
	`reserved_fingerprint` text,
	`request` text,
	`call_id` text NOT NULL,
	`made_id` text,
	`made_run` integer,
	`bulk_id` text,
	`subject` text,
	`canceled` integer DEFAULT false NOT NULL,
	`held_until_ms` integer,
	`first_seen_at_ms` integer NOT NULL,
	`last_seen_at_ms` integer NOT NULL,
	`replay_count` integer DEFAULT 0 NOT NULL,
	`mismatch_count` integer DEFAULT 0 NOT NULL,
	`retired_at_ms` integer,
	`status` text,
	`run` integer,
	`ended_at_ms` integer,
	`target_id` text,
	`leftovers` integer DEFAULT false NOT NULL
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `requests_held` ON `requests` (`namespace_id`,`held_until_ms`) WHERE held_until_ms IS NOT NULL;--> statement-breakpoint
CREATE INDEX `requests_barred` ON `requests` (`held_until_ms`,`id`) WHERE door = 'cancel';--> statement-breakpoint
CREATE INDEX `requests_bulk` ON `requests` (`bulk_id`) WHERE bulk_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `requests_made` ON `requests` (`made_id`) WHERE made_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `requests_subject` ON `requests` (`namespace_id`,`subject`,`first_seen_at_ms`) WHERE subject IS NOT NULL;--> statement-breakpoint
CREATE INDEX `requests_retired` ON `requests` (`retired_at_ms`,`id`) WHERE retired_at_ms IS NOT NULL;--> statement-breakpoint
CREATE INDEX `requests_leftovers` ON `requests` (`retired_at_ms`,`id`) WHERE leftovers = 1;--> statement-breakpoint
CREATE TABLE `staged_files` (
	`name` text PRIMARY KEY NOT NULL,
	`namespace_id` text NOT NULL,
	`task_id` text NOT NULL,
	`staged_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `staged_files_old` ON `staged_files` (`staged_at_ms`,`name`);--> statement-breakpoint
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
	`unanswered` integer DEFAULT 0 NOT NULL,
	`strikes` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`task_id`, `position`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE INDEX `task_items_source` ON `task_items` (`task_id`,`source_memory_id`);--> statement-breakpoint
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
	`cursor` text,
	`done` integer DEFAULT 0 NOT NULL,
	`extra_model_calls` integer DEFAULT 0 NOT NULL,
	`extra_input_tokens` integer DEFAULT 0 NOT NULL,
	`extra_output_tokens` integer DEFAULT 0 NOT NULL,
	`unanswered_calls` integer DEFAULT 0 NOT NULL,
	`calls_limit` integer,
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
	`operation` text,
	`status` text NOT NULL,
	`name` text,
	`tags` text NOT NULL,
	`memo` text,
	`metadata` text NOT NULL,
	`command` text,
	`run` integer NOT NULL,
	`attempts` integer NOT NULL,
	`revision` integer DEFAULT 1 NOT NULL,
	`total` integer,
	`planned_at_ms` integer,
	`result` text,
	`error` text,
	`created_at_ms` integer NOT NULL,
	`started_at_ms` integer,
	`updated_at_ms` integer NOT NULL,
	`ended_at_ms` integer,
	`ring_at_ms` integer NOT NULL,
	`rings` integer DEFAULT 0 NOT NULL,
	`webhook` text,
	`watched_until_ms` integer,
	`run_started_at_ms` integer,
	`run_base` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE INDEX `tasks_list` ON `tasks` (`namespace_id`,`created_at_ms`,`id`);--> statement-breakpoint
CREATE INDEX `tasks_ring` ON `tasks` (`ring_at_ms`,`id`) WHERE ended_at_ms IS NULL;--> statement-breakpoint
CREATE INDEX `tasks_reserved` ON `tasks` (`ring_at_ms`,`id`) WHERE status = 'unbound';--> statement-breakpoint
CREATE INDEX `tasks_ended` ON `tasks` (`namespace_id`,`ended_at_ms`) WHERE ended_at_ms IS NOT NULL;--> statement-breakpoint
CREATE INDEX `tasks_retained` ON `tasks` (`ended_at_ms`,`id`) WHERE ended_at_ms IS NOT NULL;--> statement-breakpoint
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
CREATE INDEX `vector_removals_since` ON `vector_removals` (`since_ms`,`memory_id`);--> statement-breakpoint
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
CREATE INDEX `webhooks_list` ON `webhooks` (`namespace_id`,`created_at_ms`,`id`);