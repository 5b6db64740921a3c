-- A row is written once now, when the position of its event is known: no room has to be left for another writing.
ALTER TABLE enriched_articles SET (fillfactor = 100);
