-- Signing in through identity providers.

-- A trip of a browser to a provider, from the redirect there to what came of it.
CREATE TABLE upstream_trips (
    id                 TEXT   NOT NULL PRIMARY KEY,
    browser_hash       BYTEA  NOT NULL,
    provider_id        TEXT   NOT NULL,
    state_hash         BYTEA  NOT NULL,
    nonce_hash         BYTEA  NOT NULL,
    -- Sealed under the encryption key of the configuration; absent without PKCE.
    verifier           BYTEA,
    -- login, link or confirm
    purpose            TEXT   NOT NULL,
    -- who was signed in, for link and confirm
    browser_session_id TEXT,
    -- what is confirmed
    act                TEXT,
    target             TEXT,
    -- what waits for a login
    grant_id           TEXT,
    sso_login_id       TEXT,
    place              TEXT,
    -- a login of this moment was asked for
    wants_login        BOOLEAN NOT NULL,
    created_at         BIGINT NOT NULL,
    expires_at         BIGINT NOT NULL,
    -- the browser came back: no state is good twice
    returned_at        BIGINT,
    -- whom the provider named, and what it said of them, sealed
    subject            TEXT,
    answer             BYTEA,
    answered_at        BIGINT,
    consumed_at        BIGINT
);
CREATE UNIQUE INDEX upstream_trips_state_hash ON upstream_trips (state_hash);
CREATE INDEX upstream_trips_expires_at ON upstream_trips (expires_at);

-- Which login at a provider opened the login of a browser. It outlives that login: what the browser opened may live on.
CREATE TABLE upstream_sessions (
    browser_session_id TEXT   NOT NULL PRIMARY KEY,
    provider_id        TEXT   NOT NULL,
    subject            TEXT   NOT NULL,
    -- the provider's name for its login
    sid                TEXT,
    -- Sealed: it is shown to the provider when the person signs out.
    id_token           BYTEA,
    created_at         BIGINT NOT NULL
);
CREATE INDEX upstream_sessions_subject ON upstream_sessions (provider_id, subject);
CREATE INDEX upstream_sessions_sid ON upstream_sessions (provider_id, sid);

-- The login of the browser in which a client's session was allowed.
ALTER TABLE sessions ADD COLUMN opened_by TEXT;
CREATE INDEX sessions_opened_by ON sessions (opened_by) WHERE opened_by IS NOT NULL;

-- The trip that was the first step of a login, where it takes a second one.
ALTER TABLE proofs ADD COLUMN upstream_trip_id TEXT;
