-- Clients that do not speak OAuth: their logins through the browser, and what their sessions and accounts need besides.
CREATE TABLE sso_logins (
    id                 TEXT    NOT NULL PRIMARY KEY,
    browser_hash       BYTEA   NOT NULL,
    redirect_url       TEXT    NOT NULL,
    wants_registration BOOLEAN NOT NULL,
    created_at         BIGINT  NOT NULL,
    expires_at         BIGINT  NOT NULL,
    -- allowed or denied: the decision is made once
    decided_at         BIGINT,
    user_id            TEXT    REFERENCES users (id),
    browser_session_id TEXT,
    auth_time          BIGINT,
    token_hash         BYTEA,
    token_expires_at   BIGINT,
    consumed_at        BIGINT,
    -- what the login token was exchanged for
    session_id         TEXT
);
CREATE UNIQUE INDEX sso_logins_token_hash ON sso_logins (token_hash);
CREATE INDEX sso_logins_expires_at ON sso_logins (expires_at);

-- The login through the browser that waits for this sign-up, if any.
ALTER TABLE registrations ADD COLUMN sso_login_id TEXT;

-- What an app that is no OAuth client called its device.
ALTER TABLE sessions ADD COLUMN device_name TEXT;

-- Since when the password alone opens no session: this account signs in through the browser.
ALTER TABLE users ADD COLUMN browser_login_required_at BIGINT;

-- When all sessions last ended at once: what proved who somebody is before that opens none afterwards.
ALTER TABLE users ADD COLUMN sessions_ended_at BIGINT;
