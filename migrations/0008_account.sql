-- What people do with their accounts: passkeys, second factors, addresses, recovery, and what happened.

-- How somebody proved who they are, as values of RFC 8176 with spaces between; absent where it was not noted.
ALTER TABLE sessions ADD COLUMN amr TEXT;
ALTER TABLE grants ADD COLUMN amr TEXT;
ALTER TABLE grants ADD COLUMN acr_values TEXT;
ALTER TABLE sso_logins ADD COLUMN amr TEXT;

-- Since when a password alone does not sign in: the person asked for a second factor.
ALTER TABLE users ADD COLUMN second_factor_required_at BIGINT;

CREATE TABLE passkeys (
    id            TEXT   NOT NULL PRIMARY KEY,
    user_id       TEXT   NOT NULL REFERENCES users (id),
    credential_id BYTEA  NOT NULL,
    name          TEXT   NOT NULL,
    -- Public key, counter and backup flags, as JSON of the library that checks them. None of it is secret.
    credential    TEXT   NOT NULL,
    created_at    BIGINT NOT NULL,
    last_used_at  BIGINT
);
CREATE UNIQUE INDEX passkeys_credential_id ON passkeys (credential_id);
CREATE INDEX passkeys_user ON passkeys (user_id);

-- Challenges that were answered, so that none is answered twice. An unanswered one lives in its page alone, sealed.
CREATE TABLE answered_challenges (
    hash       BYTEA  NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX answered_challenges_expires_at ON answered_challenges (expires_at);

CREATE TABLE totp (
    user_id      TEXT   NOT NULL PRIMARY KEY REFERENCES users (id),
    -- Sealed under the encryption key of the configuration.
    secret       BYTEA  NOT NULL,
    created_at   BIGINT NOT NULL,
    -- Absent until the first right code: before that it is no factor.
    confirmed_at BIGINT,
    -- The last step whose code was accepted: no code is accepted twice.
    last_step    BIGINT NOT NULL,
    last_used_at BIGINT
);

CREATE TABLE recovery_codes (
    id          TEXT   NOT NULL PRIMARY KEY,
    user_id     TEXT   NOT NULL REFERENCES users (id),
    -- Of the code, under a key of the configuration: a code has fewer than 128 bits.
    code_hash   BYTEA  NOT NULL,
    created_at  BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE UNIQUE INDEX recovery_codes_hash ON recovery_codes (user_id, code_hash);

-- Somebody shows who they are: to sign in, when the password was not enough, or for one act on the account (INV-06).
CREATE TABLE proofs (
    id                 TEXT   NOT NULL PRIMARY KEY,
    browser_hash       BYTEA  NOT NULL,
    user_id            TEXT   NOT NULL REFERENCES users (id),
    -- absent for a login
    browser_session_id TEXT,
    act                TEXT,
    -- what the act is done to, such as a session; of a login, the page of the account that it leads to
    target             TEXT,
    -- what waits for a login
    grant_id           TEXT,
    sso_login_id       TEXT,
    created_at         BIGINT NOT NULL,
    expires_at         BIGINT NOT NULL,
    -- how often a factor was wrong
    failures           BIGINT NOT NULL,
    password_at        BIGINT,
    -- when everything that is needed was shown, and how
    proved_at          BIGINT,
    amr                TEXT,
    consumed_at        BIGINT
);
CREATE INDEX proofs_expires_at ON proofs (expires_at);

-- Wrong second factors in a row, over all logins of an account.
ALTER TABLE users ADD COLUMN factor_failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN factor_failed_at BIGINT;

-- An address that somebody wants to add, until its code is typed in.
CREATE TABLE email_verifications (
    id              TEXT   NOT NULL PRIMARY KEY,
    -- one of both: an account, or a sign-up
    user_id         TEXT   REFERENCES users (id),
    registration_id TEXT,
    -- In its canonical form.
    email           TEXT   NOT NULL,
    -- Of the code, under a key of the configuration.
    code_hash       BYTEA  NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    failures        BIGINT NOT NULL,
    consumed_at     BIGINT
);
CREATE INDEX email_verifications_user ON email_verifications (user_id);
CREATE INDEX email_verifications_registration ON email_verifications (registration_id);
CREATE INDEX email_verifications_email ON email_verifications (email, created_at);
CREATE INDEX email_verifications_expires_at ON email_verifications (expires_at);

-- Links by which somebody who forgot the password gets in.
CREATE TABLE recoveries (
    id          TEXT   NOT NULL PRIMARY KEY,
    user_id     TEXT   NOT NULL REFERENCES users (id),
    email       TEXT   NOT NULL,
    secret_hash BYTEA  NOT NULL,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    consumed_at BIGINT
);
CREATE UNIQUE INDEX recoveries_secret_hash ON recoveries (secret_hash);
CREATE INDEX recoveries_user ON recoveries (user_id);
CREATE INDEX recoveries_expires_at ON recoveries (expires_at);

-- Mail on its way. A row is gone when the mail is.
CREATE TABLE mails (
    id           TEXT   NOT NULL PRIMARY KEY,
    -- Recipient and content: sealed, for they hold codes and links.
    content      BYTEA  NOT NULL,
    created_at   BIGINT NOT NULL,
    run_at       BIGINT NOT NULL,
    -- After that nobody wants to read it any more.
    expires_at   BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    -- Whoever sends it just now; a lease that ran out belongs to a process that died.
    holder       TEXT,
    leased_until BIGINT,
    last_error   TEXT
);
CREATE INDEX mails_run_at ON mails (run_at);

-- What happened on an account, for the person to read.
CREATE TABLE account_events (
    id         TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id),
    kind       TEXT   NOT NULL,
    -- what it was done to: the name of a passkey, an address, an app
    subject    TEXT,
    ip         TEXT,
    user_agent TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX account_events_user ON account_events (user_id, created_at);

-- The terms that somebody agreed to.
CREATE TABLE terms_agreements (
    user_id   TEXT   NOT NULL REFERENCES users (id),
    version   TEXT   NOT NULL,
    agreed_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, version)
);
