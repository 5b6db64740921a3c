-- What an entity is called besides its name, at most 20 forms; and the key that answers for it now, if it was merged.
ALTER TABLE entities ADD aliases text[] NOT NULL DEFAULT '{}', ADD merged_into text;

-- Keys that were found to be another one's thing, as it stands now.
-- written by: enrich
CREATE TABLE entity_merges (
    id      text PRIMARY KEY,               -- the former key
    into_id text NOT NULL,
    name    text NOT NULL,                  -- what the thing is called
    why     text NOT NULL CHECK (why IN ('operator', 'acronym'))
);
CREATE INDEX entity_merges_into ON entity_merges (into_id);

-- Every merge and every split, for good.
-- written by: enrich
CREATE TABLE entity_changes (
    n        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at       timestamptz NOT NULL,
    kind     text NOT NULL CHECK (kind IN ('merged', 'split')),
    id       text NOT NULL,                 -- the key that got or lost another one's answer
    into_id  text NOT NULL,
    why      text NOT NULL,
    evidence text NOT NULL,                 -- in words
    articles integer NOT NULL               -- that were to be read again for it
);
CREATE INDEX entity_changes_into ON entity_changes (into_id);
CREATE INDEX entity_changes_id ON entity_changes (id);

-- How many articles set an acronym behind which name.
-- written by: enrich
CREATE TABLE entity_acronyms (
    id       text NOT NULL,                 -- key of the acronym
    full_id  text NOT NULL,
    name     text NOT NULL,
    articles integer NOT NULL,
    sources  text[] NOT NULL,               -- the first few
    PRIMARY KEY (id, full_id)
);
