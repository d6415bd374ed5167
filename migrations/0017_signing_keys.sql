-- The keys that sign ID tokens and logout tokens. Those of the configuration are here only when they were revoked.
CREATE TABLE signing_keys (
    -- The thumbprint of the key (RFC 7638), or the name that the configuration gives it.
    kid          TEXT   NOT NULL PRIMARY KEY,
    alg          TEXT   NOT NULL,
    -- A JWK.
    public_key   TEXT   NOT NULL,
    -- PEM, sealed under the encryption key of the configuration; gone when it signs no longer.
    private_key  BYTEA,
    -- Published since then …
    created_at   BIGINT NOT NULL,
    -- … and signing from then on, in place of the one before it.
    activates_at BIGINT NOT NULL,
    -- Believed no longer, at once.
    revoked_at   BIGINT
);

-- The keys under which codes and addresses are hashed, sealed: they outlive the encryption key that they were derived from.
CREATE TABLE derived_keys (
    purpose TEXT  NOT NULL PRIMARY KEY,
    secret  BYTEA NOT NULL
);
