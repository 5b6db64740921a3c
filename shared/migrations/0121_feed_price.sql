-- The price of a request by which the next poll was planned; null where another rule than the rhythm decided.
-- written by: ingest
ALTER TABLE feed_states ADD COLUMN price double precision;
