-- CAPTCHAs that were passed, so that none is passed twice: of the answer of a service, or of our own challenge. What was
-- not answered lives in its page alone.
CREATE TABLE spent_captchas (
    hash       BYTEA  NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX spent_captchas_expires_at ON spent_captchas (expires_at);
