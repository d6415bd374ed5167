-- What accounts bring along that lived on another server before, and what the import remembers of it.

-- Guests of the other server: their names stay taken, and nobody signs in with them.
ALTER TABLE users ADD COLUMN is_guest BOOLEAN NOT NULL DEFAULT FALSE;
-- Absent for what was made here.
ALTER TABLE users ADD COLUMN imported_at BIGINT;
ALTER TABLE user_emails ADD COLUMN imported_at BIGINT;

-- Kept, and not used for anything so far.
CREATE TABLE user_phones (
    id         TEXT   NOT NULL PRIMARY KEY,
    user_id    TEXT   NOT NULL REFERENCES users (id),
    -- Digits as the other server had them: the country's code first, without a plus sign.
    number     TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX user_phones_number ON user_phones (number);
CREATE INDEX user_phones_user ON user_phones (user_id);

-- Accounts at other providers by which people sign in.
CREATE TABLE upstream_links (
    id          TEXT   NOT NULL PRIMARY KEY,
    -- `upstream_oauth2.providers[].id` of the configuration
    provider_id TEXT   NOT NULL,
    -- The provider's name for the person.
    subject     TEXT   NOT NULL,
    user_id     TEXT   NOT NULL REFERENCES users (id),
    created_at  BIGINT NOT NULL
);
CREATE UNIQUE INDEX upstream_links_subject ON upstream_links (provider_id, subject);
CREATE INDEX upstream_links_user ON upstream_links (user_id);

-- What the last import saw of the other server, sorted by its keys, so that the next one brings only what changed there.
CREATE TABLE import_ledger (
    generation BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    position   BIGINT NOT NULL,
    entries    BYTEA  NOT NULL,
    PRIMARY KEY (generation, kind, position)
);
