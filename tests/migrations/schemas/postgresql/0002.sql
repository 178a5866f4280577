ALTER TABLE orders RENAME COLUMN standing TO platform_status;
ALTER TABLE orders RENAME COLUMN standing_at TO platform_status_at;
ALTER TABLE orders RENAME CONSTRAINT ck_orders_standing TO ck_orders_platform_status;
