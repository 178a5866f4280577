ALTER TABLE messages ADD COLUMN followed_up BOOLEAN DEFAULT false NOT NULL;
CREATE INDEX ix_messages_to_follow_up ON messages (kind, shop_id, sent_at) WHERE state = 'sent' AND NOT followed_up;
