-- Applications: those that registered themselves, and those of the configuration.
CREATE TABLE clients (
    id                TEXT    NOT NULL PRIMARY KEY,
    -- What was validated and retained, as JSON: the registration response echoes it.
    metadata          TEXT    NOT NULL,
    -- Equal metadata of clients without a secret share one row.
    digest            BYTEA,
    secret_hash       BYTEA,
    is_static         BOOLEAN NOT NULL,
    is_pkce_required  BOOLEAN NOT NULL,
    created_at        BIGINT  NOT NULL,
    disabled_at       BIGINT
);
CREATE UNIQUE INDEX clients_digest ON clients (digest);

-- An authorization in progress: from the authorization request to the exchange of its code.
CREATE TABLE grants (
    id                  TEXT    NOT NULL PRIMARY KEY,
    browser_hash        BYTEA   NOT NULL,
    client_id           TEXT    NOT NULL REFERENCES clients (id),
    redirect_uri        TEXT    NOT NULL,
    scope               TEXT    NOT NULL,
    state               TEXT,
    nonce               TEXT,
    response_mode       TEXT    NOT NULL,
    code_challenge      TEXT,
    wants_login         BOOLEAN NOT NULL,
    wants_registration  BOOLEAN NOT NULL,
    max_age             BIGINT,
    login_hint          TEXT,
    ui_locales          TEXT,
    created_at          BIGINT  NOT NULL,
    expires_at          BIGINT  NOT NULL,
    -- allowed or denied: the decision is made once
    decided_at          BIGINT,
    user_id             TEXT    REFERENCES users (id),
    browser_session_id  TEXT,
    auth_time           BIGINT,
    code_hash           BYTEA,
    code_expires_at     BIGINT,
    consumed_at         BIGINT,
    -- what the code was exchanged for
    session_id          TEXT
);
CREATE UNIQUE INDEX grants_code_hash ON grants (code_hash);
CREATE INDEX grants_expires_at ON grants (expires_at);
