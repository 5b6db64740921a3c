-- Feeds by the host that they moved to: who subscribes the new address is given the feed that is there.
CREATE INDEX feed_states_moved_host ON feed_states (split_part(moved_to, '/', 3)) WHERE moved_to IS NOT NULL;
