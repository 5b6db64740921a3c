-- Each process of a Celery worker's pool, as it last told of itself; gone when it ends, an hour after when it was killed.
-- written by: enrich
CREATE TABLE enrich_workers (
    host          text NOT NULL,
    pid           integer NOT NULL,
    worker_pid    integer NOT NULL,         -- of the worker whose pool it is in
    revision      text NOT NULL,            -- of the enricher that it runs
    started_at    timestamptz NOT NULL,
    seen_at       timestamptz NOT NULL,
    busy_since    timestamptz,              -- null: it waits for work
    busy_articles integer NOT NULL,         -- in the message it works on
    messages      bigint NOT NULL,          -- worked off since it started
    articles      bigint NOT NULL,          -- in these
    failures      bigint NOT NULL,          -- messages that ended in an error
    rss_bytes     bigint NOT NULL,          -- of memory, shared pages counted too
    PRIMARY KEY (host, pid)
);
