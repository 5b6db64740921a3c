-- The page behind an article whose feed gives only a teaser: wanted, fetched politely, kept for enrichment to read.
-- written by: ingest
CREATE TABLE pages (
    article_id    bigint PRIMARY KEY,
    url           text NOT NULL,            -- the article's own
    fetch_url     text NOT NULL,            -- what is asked next: another host's where that one redirected to it
    host          text NOT NULL,            -- host:port of fetch_url
    domain        text,                     -- its registrable domain; null: an address or a bare name
    lane          text NOT NULL,
    wanted_at     timestamptz NOT NULL,
    next_try_at   timestamptz,              -- null: nothing more to do; leased: when the lease ends
    lease_until   timestamptz,              -- a replica fetches it now, until then at most
    lease_token   bigint NOT NULL DEFAULT 0,  -- fencing: a fetch whose token is not the row's may not save
    attempts      integer NOT NULL DEFAULT 0,
    hops          integer NOT NULL DEFAULT 0,
    status        text NOT NULL DEFAULT 'wanted' CHECK (status IN ('wanted', 'stored', 'none')),
    outcome       text,                     -- of the last fetch: a code of the closed list in services/ingest/pages
    http_status   integer,
    error         text,
    fetched_at    timestamptz,
    final_url     text,                     -- where the stored page came from in the end
    canonical_url text,                     -- what the page itself names as its address (rel=canonical)
    content_type  text,
    charset       text,                     -- a name that Python's codecs know
    body          bytea,                    -- the page as served, packed with Zstandard
    body_hash     bytea,                    -- 16 bytes of the page before it was packed
    edition       integer NOT NULL DEFAULT 0  -- counts the different pages stored; 0: none yet
) WITH (fillfactor = 85);
ALTER TABLE pages ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX pages_due ON pages (next_try_at) WHERE next_try_at IS NOT NULL;
CREATE INDEX pages_leased ON pages (host) WHERE lease_until IS NOT NULL;

-- What waits for its page is not sent before this moment, and an article is done with the page it was read with.
ALTER TABLE article_queue ADD COLUMN wait_until timestamptz, ADD COLUMN page_edition integer NOT NULL DEFAULT 0;
-- Which edition of the page was read: 0 none. Written by enrich, as is all of this table.
ALTER TABLE enriched_articles ADD COLUMN page_edition integer NOT NULL DEFAULT 0;

-- When a registrable domain may be asked again, whichever of its hosts: beside the clocks of `hosts`.
-- written by: ingest
CREATE TABLE domains (
    domain        text PRIMARY KEY,
    next_start_at timestamptz NOT NULL
) WITH (fillfactor = 70);

-- The rules of a host for robots (RFC 9309), shared by all replicas.
-- written by: ingest
CREATE TABLE robots (
    host          text PRIMARY KEY,         -- host:port
    fetched_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    http_status   integer,                  -- null: it could not be reached
    rules         text,                     -- null: all is allowed (4xx), or nothing (unreachable)
    allowed       boolean NOT NULL          -- what holds where there are no rules
);

-- Of a host: its robots' crawl-delay, and until when its pages are left alone (Retry-After).
ALTER TABLE hosts ADD COLUMN domain text, ADD COLUMN crawl_delay_s double precision NOT NULL DEFAULT 0,
    ADD COLUMN next_page_at timestamptz, ADD COLUMN robots_until timestamptz;
-- A feed's registrable domain, for counting what runs there.
ALTER TABLE feed_states ADD COLUMN domain text;
CREATE INDEX feed_states_leased_domain ON feed_states (domain) WHERE lease_until IS NOT NULL AND domain IS NOT NULL;
CREATE INDEX pages_leased_domain ON pages (domain) WHERE lease_until IS NOT NULL AND domain IS NOT NULL;
