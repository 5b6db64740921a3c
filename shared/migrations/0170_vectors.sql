-- A vector for each English article: a signed byte a number, the largest 127. Apart from the article, so that a search
-- for near ones reads these alone.
-- written by: enrich
CREATE TABLE article_vectors (
    article_id bigint PRIMARY KEY,
    vector     bytea NOT NULL
);
