-- Who people are. Times are Unix milliseconds, ids are ULIDs; both are made by the program.
CREATE TABLE users (
    id              TEXT    NOT NULL PRIMARY KEY,
    -- The Matrix localpart, exactly as the homeserver knows it: historical names may hold upper case.
    username        TEXT    NOT NULL,
    -- The same in lower case: names that people choose are compared through it.
    username_folded TEXT    NOT NULL,
    display_name    TEXT,
    is_admin        BOOLEAN NOT NULL,
    created_at      BIGINT  NOT NULL,
    locked_at       BIGINT,
    deactivated_at  BIGINT
);
CREATE UNIQUE INDEX users_username ON users (username);
CREATE INDEX users_username_folded ON users (username_folded);

CREATE TABLE user_emails (
    id           TEXT   NOT NULL PRIMARY KEY,
    user_id      TEXT   NOT NULL REFERENCES users (id),
    -- Lower-cased: the homeserver stores addresses so, and takes an address away from its owner otherwise.
    email        TEXT   NOT NULL,
    created_at   BIGINT NOT NULL,
    confirmed_at BIGINT
);
CREATE UNIQUE INDEX user_emails_email ON user_emails (email);
CREATE INDEX user_emails_user ON user_emails (user_id);

CREATE TABLE user_passwords (
    user_id    TEXT   NOT NULL PRIMARY KEY REFERENCES users (id),
    -- The entry of `passwords.schemes` that made the hash.
    version    BIGINT NOT NULL,
    hash       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

-- A sign-up in progress, bound to one browser.
CREATE TABLE registrations (
    id                TEXT   NOT NULL PRIMARY KEY,
    browser_hash      BYTEA  NOT NULL,
    -- The authorization that waits for this sign-up, if any.
    grant_id          TEXT,
    username          TEXT   NOT NULL,
    password_version  BIGINT NOT NULL,
    password_hash     TEXT   NOT NULL,
    password_strength BIGINT NOT NULL,
    created_at        BIGINT NOT NULL,
    expires_at        BIGINT NOT NULL,
    consumed_at       BIGINT
);
