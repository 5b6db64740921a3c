-- The list of sources steps from one to the next, also to those that feeds were found to have and nothing is enriched of yet.

CREATE INDEX feed_states_source ON feed_states (source_id) WHERE source_id IS NOT NULL;
