-- Logout tokens of providers that were carried out, for as long as they could come again.
CREATE TABLE logout_tokens (
    provider_id TEXT   NOT NULL,
    -- SHA-256: another server chose the text.
    jti_hash    BYTEA  NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (provider_id, jti_hash)
);
CREATE INDEX logout_tokens_expires_at ON logout_tokens (expires_at);

-- Browsers that were sent to a provider to sign out there, and come back with this.
CREATE TABLE provider_logouts (
    state_hash  BYTEA  NOT NULL PRIMARY KEY,
    provider_id TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE INDEX provider_logouts_expires_at ON provider_logouts (expires_at);
