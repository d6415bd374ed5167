-- Who may sign up: tokens that invite, and accounts that wait for an administrator.
CREATE TABLE registration_tokens (
    id           TEXT   NOT NULL PRIMARY KEY,
    -- Of the token, under a key of the configuration: one that an administrator chose may be a word.
    token_hash   BYTEA  NOT NULL,
    -- Its first characters, by which an administrator knows it again.
    head         TEXT   NOT NULL,
    -- An administrator's own words: for whom it is, or who made it.
    note         TEXT,
    -- absent where anybody may use it again and again
    usage_limit  BIGINT,
    times_used   BIGINT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    revoked_at   BIGINT,
    last_used_at BIGINT
);
CREATE UNIQUE INDEX registration_tokens_hash ON registration_tokens (token_hash);

-- The token that a sign-up in progress keeps one use of.
ALTER TABLE registrations ADD COLUMN registration_token_id TEXT;
CREATE INDEX registrations_token ON registrations (registration_token_id);

-- Since when an account waits for an administrator: its name is taken, and nobody signs in to it.
ALTER TABLE users ADD COLUMN approval_required_at BIGINT;
-- The language in which the person hears of the answer.
ALTER TABLE users ADD COLUMN approval_language TEXT;
