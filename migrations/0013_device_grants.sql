-- Devices without a browser of their own that wait for a person to let them in (RFC 8628).
CREATE TABLE device_grants (
    id                 TEXT   NOT NULL PRIMARY KEY,
    client_id          TEXT   NOT NULL REFERENCES clients (id),
    scope              TEXT   NOT NULL,
    device_code_hash   BYTEA  NOT NULL,
    -- Under a key of the configuration: the code that people type is short.
    user_code_hash     BYTEA  NOT NULL,
    -- The same code sealed, to be shown to whoever typed it.
    user_code          BYTEA  NOT NULL,
    -- Where it was asked from, for whoever is to allow it.
    ip                 TEXT,
    user_agent         TEXT,
    created_at         BIGINT NOT NULL,
    expires_at         BIGINT NOT NULL,
    -- In milliseconds; it grows when the device asks too often.
    poll_interval      BIGINT NOT NULL,
    last_polled_at     BIGINT,
    decided_at         BIGINT,
    -- Absent where the decision was no.
    user_id            TEXT,
    browser_session_id TEXT,
    auth_time          BIGINT,
    amr                TEXT,
    -- In which the person is written to about it.
    language           TEXT,
    consumed_at        BIGINT,
    session_id         TEXT
);
CREATE UNIQUE INDEX device_grants_device_code_hash ON device_grants (device_code_hash);
CREATE UNIQUE INDEX device_grants_user_code_hash ON device_grants (user_code_hash);
CREATE INDEX device_grants_expires_at ON device_grants (expires_at);
CREATE INDEX device_grants_client ON device_grants (client_id);

-- How many wrong codes may still be typed, by everybody together: until when the guesses of one length are spent.
CREATE TABLE user_code_guesses (
    length      BIGINT NOT NULL PRIMARY KEY,
    spent_until BIGINT NOT NULL
);
INSERT INTO user_code_guesses (length, spent_until) VALUES (8, 0), (12, 0);
