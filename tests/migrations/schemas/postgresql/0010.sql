ALTER TABLE form_objections ADD COLUMN is_buyer BOOLEAN DEFAULT false NOT NULL;
