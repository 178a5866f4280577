CREATE TABLE suppression_entries ( id BIGSERIAL NOT NULL, kind TEXT NOT NULL, shop_id BIGINT NOT NULL, subject BYTEA NOT NULL, at BIGINT NOT NULL, reason TEXT NOT NULL, CONSTRAINT pk_suppression_entries PRIMARY KEY (id) );
CREATE INDEX ix_suppression_entries_subject ON suppression_entries (subject);
