-- What somebody allowed an application that gets no device, so that it is not asked again (CNS-03).
CREATE TABLE consents (
    user_id      TEXT   NOT NULL REFERENCES users (id),
    client_id    TEXT   NOT NULL REFERENCES clients (id),
    -- the tokens in alphabetical order
    scope        TEXT   NOT NULL,
    -- the host of the redirect URI, or its scheme
    destination  TEXT   NOT NULL,
    -- SHA-256 of what the person was shown of the application
    shown        BYTEA  NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, client_id, scope, destination)
);
CREATE INDEX consents_client ON consents (client_id);

-- prompt=consent and prompt=select_account
ALTER TABLE grants ADD COLUMN wants_consent BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE grants ADD COLUMN wants_choice BOOLEAN NOT NULL DEFAULT FALSE;
-- The login of the browser with which the person said to go on.
ALTER TABLE grants ADD COLUMN chosen_session_id TEXT;
-- Whom the client asks for, by id_token_hint or by a claim.
ALTER TABLE grants ADD COLUMN expected_user_id TEXT;
-- What is understood of the parameter claims, as JSON.
ALTER TABLE grants ADD COLUMN claims TEXT;
-- The resource indicators (RFC 8707), with spaces between.
ALTER TABLE grants ADD COLUMN resource TEXT;
ALTER TABLE sessions ADD COLUMN claims TEXT;
ALTER TABLE sessions ADD COLUMN resource TEXT;
