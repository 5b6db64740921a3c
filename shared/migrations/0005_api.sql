-- Who may ask: only the hash of a key is kept.
-- written by: api
CREATE TABLE api_keys (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         text NOT NULL,
    hash         bytea NOT NULL UNIQUE,     -- sha256 of the key, which is 256 random bits: no salt or stretching is needed
    prefix       text NOT NULL,             -- the first letters, to tell keys apart in a list
    scopes       text[] NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz,
    last_used_at timestamptz,               -- within a minute or so
    revoked_at   timestamptz
);

-- Who changed what: one row for every writing request that was let in.
-- written by: api
CREATE TABLE api_audit (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL DEFAULT now(),
    key_id bigint,                          -- null: open on loopback
    method text NOT NULL,
    path   text NOT NULL,
    status integer NOT NULL
);
