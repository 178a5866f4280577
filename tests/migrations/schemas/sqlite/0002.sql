ALTER TABLE orders RENAME COLUMN standing TO platform_status;
ALTER TABLE orders RENAME COLUMN standing_at TO platform_status_at;
