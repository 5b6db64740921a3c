-- Readers that have the feeds of saved searches pushed to them (WebSub). NOTIFY wiredesk_webhooks wakes deliver.
-- written by: api
CREATE TABLE feed_readers (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic           text NOT NULL,          -- the feed's whole address, as the reader knows it
    callback        text NOT NULL,
    search_id       bigint NOT NULL REFERENCES searches ON DELETE CASCADE,
    form            text NOT NULL,          -- the feed's extension
    secret          text,
    position        bigint NOT NULL,        -- everything up to here is delivered, or not wanted
    expires_at      timestamptz NOT NULL,
    failures        integer NOT NULL DEFAULT 0,  -- attempts in a row that failed
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    lease_until     timestamptz,            -- a replica delivers now, until then at most
    lease_token     bigint NOT NULL DEFAULT 0,   -- fencing: a replica whose token is not the row's may not record
    UNIQUE (topic, callback)
);
CREATE INDEX feed_readers_due ON feed_readers (next_attempt_at);
CREATE INDEX feed_readers_search ON feed_readers (search_id);

-- What readers asked for and did not confirm yet: the last word of each, forgotten when it is settled.
-- written by: api
CREATE TABLE feed_reader_requests (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic           text NOT NULL,
    callback        text NOT NULL,
    mode            text NOT NULL CHECK (mode IN ('subscribe', 'unsubscribe')),
    search_id       bigint NOT NULL REFERENCES searches ON DELETE CASCADE,
    form            text NOT NULL,
    secret          text,
    lease_s         integer NOT NULL,
    failures        integer NOT NULL DEFAULT 0,  -- attempts that found nobody there
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    lease_until     timestamptz,
    lease_token     bigint NOT NULL DEFAULT 0,
    UNIQUE (topic, callback)
);
CREATE INDEX feed_reader_requests_search ON feed_reader_requests (search_id);
