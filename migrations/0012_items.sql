ALTER TABLE `task_items` ADD `unanswered` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `task_items` ADD `strikes` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `task_parts` ADD `extra_model_calls` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `task_parts` ADD `extra_input_tokens` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `task_parts` ADD `extra_output_tokens` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `task_parts` ADD `unanswered_calls` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `task_parts` ADD `calls_limit` integer;