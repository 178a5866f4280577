ALTER TABLE my_data_links RENAME COLUMN link TO link_hash;
ALTER TABLE pending_registrations DROP CONSTRAINT uq_pending_registrations_link;
ALTER TABLE pending_registrations RENAME link TO link_hash;
ALTER TABLE pending_registrations ADD CONSTRAINT uq_pending_registrations_link_hash UNIQUE (link_hash);
ALTER TABLE mail_endpoints RENAME COLUMN endpoint_id TO endpoint_hash;
ALTER TABLE mail_endpoints ADD COLUMN beginning TEXT DEFAULT '' NOT NULL;
