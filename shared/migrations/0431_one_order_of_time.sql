-- The newest articles are found in article_lookup alone, in the same order: lists without filters walk its index, too.

DROP INDEX enriched_articles_newest;
