-- Which registrable domain a host belongs to stands with the host alone, so feeds and pages need not repeat it.
ALTER TABLE feed_states DROP COLUMN domain;
ALTER TABLE pages DROP COLUMN domain;
CREATE INDEX hosts_domain ON hosts (domain) WHERE domain IS NOT NULL;
