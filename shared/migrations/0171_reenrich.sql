-- What running enrichers are: their steps by name. The one seen last is the one that articles are compared with.
-- written by: enrich
CREATE TABLE enricher_revisions (
    revision text PRIMARY KEY,
    steps    jsonb NOT NULL,                -- {name: {revision, languages: [...] or null}}
    seen_at  timestamptz NOT NULL
);

-- Slices of the store that api wants read again; NOTIFY wiredesk_reenrich goes with every insert.
-- written by: api
CREATE TABLE reenrich_requests (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL DEFAULT now(),
    slice   jsonb NOT NULL,                 -- {ids, source, feed, lang: lists; from, to: times}, absent: all
    steps   text[],                         -- only what these steps would say otherwise; null: any step
    forced  boolean NOT NULL,               -- what no step would say otherwise, too
    dry_run boolean NOT NULL                -- only counted
);

-- How far each request is.
-- written by: enrich
CREATE TABLE reenrich_runs (
    request_id  bigint PRIMARY KEY,
    revision    text NOT NULL,              -- of the enricher it was planned for
    started_at  timestamptz NOT NULL,
    after_id    bigint NOT NULL DEFAULT 0,  -- articles up to this one are looked at
    planned_at  timestamptz,                -- all are
    finished_at timestamptz,                -- and read
    looked      integer NOT NULL DEFAULT 0,
    touched     integer NOT NULL DEFAULT 0,
    by_step     jsonb NOT NULL DEFAULT '{}' -- {step: articles it would read otherwise}
);

-- Articles to be read again for a request, and what came of it.
-- written by: enrich
CREATE TABLE rereads (
    request_id bigint NOT NULL,
    article_id bigint NOT NULL,
    sent_at    timestamptz,
    done_at    timestamptz,
    changes    jsonb,                       -- [{field, old, new}]; null: a new version came in between
    PRIMARY KEY (request_id, article_id)
);
CREATE INDEX rereads_open ON rereads (article_id) WHERE done_at IS NULL;
