ALTER TABLE privacy_requests ADD COLUMN network BLOB;
CREATE INDEX ix_privacy_requests_shop_id ON privacy_requests (shop_id, network);
ALTER TABLE transactional_messages ADD COLUMN mailbox BLOB;
CREATE INDEX ix_transactional_messages_mailbox ON transactional_messages (mailbox, template, created_at);
