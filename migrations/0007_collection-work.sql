DROP INDEX `memories_source`;--> statement-breakpoint
CREATE UNIQUE INDEX `memories_source` ON `memories` (`source_memory_id`,`task_id`,`collection_id`) WHERE task_id IS NOT NULL;--> statement-breakpoint
ALTER TABLE `task_parts` ADD `cursor` text;--> statement-breakpoint
ALTER TABLE `task_parts` ADD `done` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `tasks` ADD `subject` text;--> statement-breakpoint
CREATE INDEX `tasks_subject` ON `tasks` (`namespace_id`,`subject`,`created_at_ms`) WHERE subject IS NOT NULL;