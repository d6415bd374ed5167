-- Work after the response. Jobs of one lane (a user) run one after the other, oldest first.
CREATE TABLE jobs (
    id         TEXT   NOT NULL PRIMARY KEY,
    lane       TEXT   NOT NULL,
    payload    TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    run_at     BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    last_error TEXT
);
CREATE INDEX jobs_lane ON jobs (lane, id);
CREATE INDEX jobs_run_at ON jobs (run_at);

-- Who works in a lane just now. A lease that ran out belongs to a process that died.
CREATE TABLE lanes (
    name         TEXT   NOT NULL PRIMARY KEY,
    holder       TEXT   NOT NULL,
    leased_until BIGINT NOT NULL
);
