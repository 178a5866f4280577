CREATE TABLE key_checks ( kind TEXT NOT NULL, version INTEGER NOT NULL, value TEXT NOT NULL, CONSTRAINT pk_key_checks PRIMARY KEY (kind, version) );
