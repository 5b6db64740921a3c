-- Titles are dropped some weeks after their articles were found, the oldest first.
-- written by: ingest
CREATE INDEX article_titles_article ON article_titles (article_id);
