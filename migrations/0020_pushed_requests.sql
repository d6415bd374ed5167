-- Authorization requests that clients sent ahead (RFC 9126).
CREATE TABLE pushed_requests (
    -- SHA-256 of the random part of the request_uri
    secret_hash BYTEA  NOT NULL PRIMARY KEY,
    client_id   TEXT   NOT NULL REFERENCES clients (id),
    -- the parameters, sealed
    params      BYTEA  NOT NULL,
    expires_at  BIGINT NOT NULL,
    -- an authorization that began with it was decided
    consumed_at BIGINT
);
CREATE INDEX pushed_requests_expires_at ON pushed_requests (expires_at);
CREATE INDEX pushed_requests_client ON pushed_requests (client_id);

ALTER TABLE grants ADD COLUMN pushed_request_hash BYTEA;
