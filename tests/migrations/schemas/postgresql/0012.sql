ALTER TABLE orders RENAME COLUMN claims TO merge_state;
ALTER TABLE orders RENAME COLUMN buyer TO buyer_pseudonym;
ALTER TABLE request_log RENAME COLUMN settled_at TO answered_at;
ALTER INDEX ix_orders_buyer RENAME TO ix_orders_buyer_pseudonym;
ALTER INDEX ix_request_log_settled_at RENAME TO ix_request_log_answered_at;
