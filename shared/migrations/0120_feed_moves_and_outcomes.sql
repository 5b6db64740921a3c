-- Where a feed moved to, who publishes it, and what became of every item it was ever polled with.
-- written by: ingest
ALTER TABLE feed_states
    ADD COLUMN moved_to        text,            -- proven permanent redirect: polled instead of feeds.url
    ADD COLUMN source_id       text,            -- as its articles' source, known from the first body read
    ADD COLUMN unchanged_total bigint NOT NULL DEFAULT 0,
    ADD COLUMN duplicate_total bigint NOT NULL DEFAULT 0,
    ADD COLUMN refused_total   bigint NOT NULL DEFAULT 0,
    ADD COLUMN capped_total    bigint NOT NULL DEFAULT 0;
