-- An application that the operator says is theirs: people are not asked what they allow it.
ALTER TABLE clients ADD COLUMN is_trusted BOOLEAN NOT NULL DEFAULT FALSE;
-- One that the operator put here by the command line: like those of the configuration, it never expires.
ALTER TABLE clients ADD COLUMN is_managed BOOLEAN NOT NULL DEFAULT FALSE;
-- The secret once more, sealed: of clients that sign with it, and of nobody else.
ALTER TABLE clients ADD COLUMN sealed_secret BYTEA;
-- What the secret replaced, and until when both are good.
ALTER TABLE clients ADD COLUMN previous_secret_hash BYTEA;
ALTER TABLE clients ADD COLUMN previous_sealed_secret BYTEA;
ALTER TABLE clients ADD COLUMN previous_secret_until BIGINT;
-- With what a client that registered itself reads, changes and removes its registration (RFC 7592).
ALTER TABLE clients ADD COLUMN registration_token_hash BYTEA;
CREATE UNIQUE INDEX clients_registration_token ON clients (registration_token_hash);
-- When somebody last registered with it, to an hour: what nobody uses is forgotten.
ALTER TABLE clients ADD COLUMN last_used_at BIGINT NOT NULL DEFAULT 0;
UPDATE clients SET last_used_at = created_at;

-- Assertions that clients have authenticated themselves with: none is accepted twice (RFC 7523 §3).
CREATE TABLE client_assertions (
    client_id   TEXT   NOT NULL REFERENCES clients (id),
    -- SHA-256 of the jti, which may have any length
    jti_hash    BYTEA  NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (client_id, jti_hash)
);
CREATE INDEX client_assertions_expires_at ON client_assertions (expires_at);
