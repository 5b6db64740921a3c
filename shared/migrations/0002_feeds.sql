-- What the operator asked for.
-- written by: api
CREATE TABLE feeds (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url        text NOT NULL,
    url_key    text NOT NULL,               -- canonical form: two spellings of one address are one feed
    title      text,                        -- the operator's own; null: as the feed calls itself
    tags       text[] NOT NULL DEFAULT '{}',
    source     jsonb,                       -- {name, domain, country} when the operator says so
    priority   text NOT NULL DEFAULT 'normal' CHECK (priority IN ('breaking', 'normal', 'backfill')),
    paused     boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);
CREATE UNIQUE INDEX feeds_url_key ON feeds (url_key) WHERE deleted_at IS NULL;

-- What api wants ingest to do about a feed; NOTIFY wiredesk_feed_requests goes with every insert.
-- written by: api (which also removes the answered ones after an hour)
CREATE TABLE feed_requests (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed_id bigint NOT NULL,
    kind    text NOT NULL CHECK (kind IN ('changed', 'poll')),  -- changed: added, edited, paused, deleted
    at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX feed_requests_feed ON feed_requests (feed_id);

-- The answer to each request, once; a request without one is open.
-- written by: ingest
CREATE TABLE feed_answers (
    request_id  bigint PRIMARY KEY,
    feed_id     bigint NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT now(),
    poll_id     bigint,                     -- the poll that answers a 'poll' request
    refused     jsonb                       -- {code, message, retry_at?} when it was not done
);

-- What polling found.
-- written by: ingest
CREATE TABLE feed_states (
    feed_id              bigint PRIMARY KEY,
    status               text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'ok', 'failing', 'quiet', 'gone', 'paused')),
    url                  text,              -- the address that the validators below belong to
    host                 text NOT NULL DEFAULT '',  -- host:port of the address polled: politeness is kept per host
    next_poll_at         timestamptz,       -- null: not due by itself (paused, gone); leased: when the lease ends
    interval_s           double precision NOT NULL DEFAULT 0,
    lease_until          timestamptz,       -- a replica polls it now, until then at most
    lease_token          bigint NOT NULL DEFAULT 0,  -- fencing: a poll whose token is not the row's may not save
    etag                 text,
    last_modified        text,
    body_hash            bytea,
    last_polled_at       timestamptz,
    last_success_at      timestamptz,
    outcome              text,
    http_status          integer,
    error                jsonb,             -- {code, message}
    failures             integer NOT NULL DEFAULT 0,
    told_failing         boolean NOT NULL DEFAULT false,  -- wiredesk.feed.failing.v1 went out and no recovery since
    retry_after_at       timestamptz,       -- the publisher asked us to stay away until then
    entries_in_last_poll integer NOT NULL DEFAULT 0,
    articles_total       bigint NOT NULL DEFAULT 0,
    new_total            bigint NOT NULL DEFAULT 0,
    corrected_total      bigint NOT NULL DEFAULT 0,
    format               text,
    title                text,
    site_url             text,
    language             text,
    hub                  jsonb,
    warnings             jsonb NOT NULL DEFAULT '[]',
    rhythm               jsonb NOT NULL DEFAULT '{}'  -- what schedule.py remembers
) WITH (fillfactor = 70);
CREATE INDEX feed_states_due ON feed_states (next_poll_at) WHERE next_poll_at IS NOT NULL;
CREATE INDEX feed_states_leased ON feed_states (host) WHERE lease_until IS NOT NULL;

-- When a host may be asked again: one clock for all replicas. A claim locks the rows of the hosts it asks.
-- written by: ingest
CREATE TABLE hosts (
    host          text PRIMARY KEY,
    next_start_at timestamptz NOT NULL
) WITH (fillfactor = 70);

-- The last polls of each feed.
-- written by: ingest
CREATE TABLE polls (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed_id     bigint NOT NULL,
    at          timestamptz NOT NULL,
    took_ms     integer NOT NULL,
    outcome     text NOT NULL,
    http_status integer,
    bytes       integer NOT NULL DEFAULT 0,
    entries     integer NOT NULL DEFAULT 0,
    counts      jsonb NOT NULL,
    error       jsonb
);
CREATE INDEX polls_feed ON polls (feed_id, id DESC);
