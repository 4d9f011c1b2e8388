CREATE TABLE `collection_removals` (
	`collection_id` text PRIMARY KEY NOT NULL,
	`namespace_id` text NOT NULL,
	`created_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `creations` (
	`id` text PRIMARY KEY NOT NULL,
	`namespace_id` text NOT NULL,
	`body` text,
	`created_at_ms` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `memories` ADD `version` integer DEFAULT 1 NOT NULL;