-- What relying parties have to hear: that a login of a browser ended, or all logins of a person (OpenID Connect
-- Back-Channel Logout).
CREATE TABLE logout_notices (
    id           TEXT   NOT NULL PRIMARY KEY,
    -- The client may be gone by the time: then nobody listens.
    client_id    TEXT   NOT NULL,
    user_id      TEXT   NOT NULL,
    -- the login of the browser that ended; absent where all did
    sid          TEXT,
    created_at   BIGINT NOT NULL,
    run_at       BIGINT NOT NULL,
    attempts     BIGINT NOT NULL,
    last_error   TEXT,
    holder       TEXT,
    leased_until BIGINT
);
CREATE INDEX logout_notices_run_at ON logout_notices (run_at);
CREATE INDEX logout_notices_client ON logout_notices (client_id, leased_until);

-- The first login of a browser that this one goes on: whoever signs in again as the same person has not signed out.
ALTER TABLE sessions ADD COLUMN renews TEXT;
CREATE INDEX sessions_renews ON sessions (renews) WHERE renews IS NOT NULL;
