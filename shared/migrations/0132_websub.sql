-- Our subscriptions at WebSub hubs, one a feed that names a hub.
-- written by: ingest
CREATE TABLE hub_subscriptions (
    feed_id      bigint PRIMARY KEY,
    token        text NOT NULL UNIQUE,      -- in the callback's path; nobody but the hub is told
    secret       text NOT NULL,
    hub_url      text NOT NULL,
    topic_url    text NOT NULL,
    state        text NOT NULL DEFAULT 'found'
                 CHECK (state IN ('found', 'requested', 'active', 'denied', 'refused', 'failed', 'unsubscribing')),
    next_at      timestamptz,               -- when to ask the hub next: to subscribe, to renew, to try again
    work_until   timestamptz,               -- a replica asks it now, until then at most
    requested_at timestamptz,               -- the last request that the hub may want verified
    lease_until  timestamptz,
    failures     integer NOT NULL DEFAULT 0,
    error        text,
    pinged_at    timestamptz
);
CREATE INDEX hub_subscriptions_due ON hub_subscriptions (next_at) WHERE next_at IS NOT NULL;

-- What hubs pushed with a right signature, until a poll of the feed has stored it.
-- written by: ingest
CREATE TABLE hub_pushes (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    feed_id      bigint NOT NULL,
    at           timestamptz NOT NULL,
    content_type text,
    body         bytea NOT NULL
);
CREATE INDEX hub_pushes_feed ON hub_pushes (feed_id, id);
