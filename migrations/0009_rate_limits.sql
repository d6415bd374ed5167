-- How often somebody did something that is limited, and which browsers an account knows.

CREATE TABLE rate_limits (
    limiter  TEXT   NOT NULL,
    -- Of the address, the account or the browser that is counted, under a key of the configuration: a dump names nobody, and
    -- nobody can aim at the row of somebody else.
    key_hash BYTEA  NOT NULL,
    -- When everything is allowed again that ever is at once, in Unix microseconds; from then on the row says nothing.
    full_at  BIGINT NOT NULL,
    PRIMARY KEY (limiter, key_hash)
);
CREATE INDEX rate_limits_full_at ON rate_limits (limiter, full_at);

-- Browsers that signed in to an account before: what strangers try on it does not keep them out.
CREATE TABLE known_browsers (
    user_id      TEXT   NOT NULL REFERENCES users (id),
    browser_hash BYTEA  NOT NULL,
    last_used_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, browser_hash)
);
CREATE INDEX known_browsers_last_used_at ON known_browsers (last_used_at);
