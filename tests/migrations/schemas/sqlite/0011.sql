ALTER TABLE transactional_messages ADD COLUMN network BLOB;
ALTER TABLE privacy_requests ADD COLUMN everywhere BOOLEAN DEFAULT 0 NOT NULL;
ALTER TABLE privacy_requests ADD COLUMN waits_for TEXT CONSTRAINT ck_privacy_requests_waits_for CHECK (waits_for IN ('look', 'limit'));
ALTER TABLE privacy_requests ADD COLUMN waits_since BIGINT;
ALTER TABLE form_objections ADD COLUMN is_kept BOOLEAN DEFAULT 0 NOT NULL;
