-- The event log: one ordered list of everything that happened, the truth behind every channel.
-- written by: shared/log.py alone (ingest tells of feeds, enrich of articles and stories; both append through it)
CREATE TABLE events (
    position   bigint PRIMARY KEY,          -- gapless: taken under a lock held to the commit, so commit order == position order
    at         timestamptz NOT NULL,
    type       text NOT NULL,
    subject    text NOT NULL,               -- 'articles/12', 'feeds/3', ...
    article_id bigint,
    data       text NOT NULL                -- the CloudEvent's data as ready JSON, without `position`
);
CREATE INDEX events_article ON events (article_id, position DESC) WHERE article_id IS NOT NULL;

-- Who we are in the CloudEvents `source`: made once per database.
-- written by: this migration alone
CREATE TABLE deployment (id text PRIMARY KEY);
INSERT INTO deployment VALUES (left(replace(gen_random_uuid()::text, '-', ''), 12));
