-- What an import from another server brings.

-- Tokens that the other server issued have no family: they are known by their hash, and stay known as long as the session.
ALTER TABLE tokens ADD COLUMN is_imported BOOLEAN NOT NULL DEFAULT FALSE;
