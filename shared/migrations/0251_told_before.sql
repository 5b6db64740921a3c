-- Articles that were told of, and then forgotten because they were past: a later version of one is a correction of it.
-- written by: enrich
CREATE TABLE forgotten_articles (
    article_id bigint PRIMARY KEY,
    version    integer NOT NULL             -- the last one told of
);
