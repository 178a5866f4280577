CREATE INDEX ix_orders_shop ON orders (shop_id, id);
ALTER TABLE notice_versions ADD COLUMN inputs_digest BLOB;
