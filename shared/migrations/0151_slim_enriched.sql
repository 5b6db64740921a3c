-- Every enrichment writes an article's row twice: the position of its event is known last. With the card apart in TOAST the
-- second writing copies 150 bytes instead of 2 KB, which vacuum would have to win back.
ALTER TABLE enriched_articles SET (toast_tuple_target = 256);
