-- Every login that we track, of every kind: browser, oauth (later compat and personal).
CREATE TABLE sessions (
    id             TEXT   NOT NULL PRIMARY KEY,
    kind           TEXT   NOT NULL,
    -- absent for a client that acts for itself (client_credentials)
    user_id        TEXT   REFERENCES users (id),
    -- absent for browser sessions
    client_id      TEXT   REFERENCES clients (id),
    -- SHA-256 of the half that all tokens of this session share: it names the session of a token whose row was pruned.
    family_hash    BYTEA  NOT NULL,
    scope          TEXT   NOT NULL,
    device_id      TEXT,
    user_agent     TEXT,
    created_at     BIGINT NOT NULL,
    auth_time      BIGINT,
    expires_at     BIGINT,
    last_active_at BIGINT NOT NULL,
    last_active_ip TEXT,
    ended_at       BIGINT,
    end_reason     TEXT
);
CREATE UNIQUE INDEX sessions_family_hash ON sessions (family_hash);
CREATE INDEX sessions_user ON sessions (user_id, device_id);
CREATE INDEX sessions_client ON sessions (client_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_end_reason ON sessions (end_reason) WHERE end_reason = 'expired';

-- Everything that can be presented for a session: access, refresh, cookie.
CREATE TABLE tokens (
    id           TEXT   NOT NULL PRIMARY KEY,
    session_id   TEXT   NOT NULL REFERENCES sessions (id),
    kind         TEXT   NOT NULL,
    secret_hash  BYTEA  NOT NULL,
    -- narrower than that of the session, where a refresh asked for it
    scope        TEXT,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT,
    -- an access token was accepted somewhere for the first time
    first_used_at BIGINT,
    -- a refresh token was exchanged …
    consumed_at  BIGINT,
    -- … for this pair, sealed under a key that only the presented token gives
    successor    BYTEA,
    successor_access_id  TEXT,
    successor_refresh_id TEXT
);
CREATE UNIQUE INDEX tokens_secret_hash ON tokens (secret_hash);
CREATE INDEX tokens_session ON tokens (session_id);
