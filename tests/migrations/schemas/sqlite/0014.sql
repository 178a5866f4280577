CREATE TABLE suppression_entries ( id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, shop_id BIGINT NOT NULL, subject BLOB NOT NULL, at BIGINT NOT NULL, reason TEXT NOT NULL );
CREATE INDEX ix_suppression_entries_subject ON suppression_entries (subject);
