-- The namespace in which the admin key acts. Its id is random for each deployment: task ids derive from it.
INSERT INTO namespaces (id, name, created_at_ms)
VALUES ('namespace_' || lower(hex(randomblob(16))), 'default', CAST(strftime('%s', 'now') AS INTEGER) * 1000);
