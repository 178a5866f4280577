CREATE TABLE form_objections ( id BIGSERIAL NOT NULL, pseudonym BYTEA NOT NULL, shop_id BIGINT NOT NULL, network BYTEA NOT NULL, shown_network BYTEA NOT NULL, at BIGINT NOT NULL, CONSTRAINT pk_form_objections PRIMARY KEY (id) );
CREATE INDEX ix_form_objections_at ON form_objections (at);
CREATE INDEX ix_form_objections_network ON form_objections (network, at);
CREATE INDEX ix_form_objections_pseudonym ON form_objections (pseudonym);
CREATE INDEX ix_form_objections_shop_id ON form_objections (shop_id, at);
