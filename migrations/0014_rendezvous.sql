-- Where two devices meet that do not know each other yet (MSC4108, MSC4388): what one leaves for the other, for two minutes.
CREATE TABLE rendezvous_sessions (
    -- Of the id, which is all that anybody needs to read, write and delete.
    id_hash    BYTEA  NOT NULL PRIMARY KEY,
    -- What the devices encrypted for each other.
    data       BYTEA  NOT NULL,
    -- Another one after every write.
    sequence   TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX rendezvous_sessions_expires_at ON rendezvous_sessions (expires_at);
