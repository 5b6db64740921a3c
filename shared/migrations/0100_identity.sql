-- Articles found to be one: the later one names the one that stays, and keeps answering.
ALTER TABLE articles ADD COLUMN duplicate_of bigint;
CREATE INDEX articles_duplicates ON articles (duplicate_of) WHERE duplicate_of IS NOT NULL;
ALTER TABLE enriched_articles ADD COLUMN duplicate_of bigint;  -- as subscribers were told

-- The words of a version, kept when the next one takes its place; the latest version's stand in articles.
ALTER TABLE article_versions ADD COLUMN description text;
ALTER TABLE article_versions ADD COLUMN body_html text;
ALTER TABLE article_versions ADD COLUMN authors text[];   -- null: as in the version after it (nothing but its status changed)

-- Who had a title last within a source: a second article under it within a week is the same one.
-- written by: ingest
CREATE TABLE article_titles (
    key        bytea PRIMARY KEY,           -- 16 bytes of the source and the title's words
    article_id bigint NOT NULL,
    at         timestamptz NOT NULL         -- when it was published, or seen where that is not known
);
