ALTER TABLE orders RENAME COLUMN claims TO merge_state;
ALTER TABLE orders RENAME COLUMN buyer TO buyer_pseudonym;
ALTER TABLE request_log RENAME COLUMN settled_at TO answered_at;
DROP INDEX ix_orders_buyer;
CREATE INDEX ix_orders_buyer_pseudonym ON orders (shop_id, buyer_pseudonym);
DROP INDEX ix_request_log_settled_at;
CREATE INDEX ix_request_log_answered_at ON request_log (answered_at);
