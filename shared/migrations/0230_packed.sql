-- Nothing is stored twice, and what is long is packed (shared/packing.py: the first byte says how). Rows from before stay as they
-- are and are read as they are; the columns they stand in go a release later.

-- The publisher's HTML, packed by ingest. One of the two columns is set, or neither.
ALTER TABLE articles ADD COLUMN body_packed bytea;
ALTER TABLE articles ALTER COLUMN body_packed SET STORAGE EXTERNAL;
ALTER TABLE article_versions ADD COLUMN body_packed bytea;
ALTER TABLE article_versions ALTER COLUMN body_packed SET STORAGE EXTERNAL;

-- Card, rest and body in one piece (shared/stored.py): its body is read beside the HTML of its version.
ALTER TABLE enriched_articles ADD COLUMN packed bytea;
ALTER TABLE enriched_articles ALTER COLUMN packed SET STORAGE EXTERNAL;
ALTER TABLE enriched_articles ALTER COLUMN card DROP NOT NULL;
ALTER TABLE enriched_articles ALTER COLUMN rest DROP NOT NULL;

-- Form 0: `data` is all of it. Form 1 tells of an article with its card, packed in `card`, and `data` has what stands beside
-- it, if anything; where `card` is null it is the article's own, which has the same position. Before that one is replaced
-- it is put here: what an event says never changes.
ALTER TABLE events ALTER COLUMN data DROP NOT NULL;
ALTER TABLE events ADD COLUMN form smallint NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN version integer;  -- of the article, where it tells of one
ALTER TABLE events ADD COLUMN card bytea;
ALTER TABLE events ALTER COLUMN card SET STORAGE EXTERNAL;

-- Not written since 0150: facts and words stand in article_lookup.
DROP TABLE article_search;
DROP TABLE article_entities;
-- Languages are facts too, and no list is read by this index.
DROP INDEX enriched_articles_lang;
