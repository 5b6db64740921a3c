-- What readers get: the ready JSON of every article, at the version and enricher revision that made it.
-- written by: enrich
CREATE TABLE enriched_articles (
    article_id  bigint PRIMARY KEY,
    version     integer NOT NULL,
    revision    text NOT NULL,
    position    bigint,                     -- of its latest event; set under the log's lock, right after the append
    enriched_at timestamptz NOT NULL,
    sort_at     timestamptz NOT NULL,       -- published_at, or discovered_at where that is missing
    lang        text,
    source_id   text NOT NULL,
    status      text NOT NULL,
    card        text NOT NULL,              -- JSON object without `position`
    rest        text NOT NULL               -- JSON object; card overlaid with rest is the whole article
) WITH (fillfactor = 85);
CREATE INDEX enriched_articles_newest ON enriched_articles (sort_at DESC, article_id DESC);
CREATE INDEX enriched_articles_source ON enriched_articles (source_id, sort_at DESC, article_id DESC);
CREATE INDEX enriched_articles_lang ON enriched_articles (lang, sort_at DESC, article_id DESC);

-- Full text, made in the enrichment commit: accents folded before it gets here.
-- written by: enrich
CREATE TABLE article_search (
    article_id bigint PRIMARY KEY,
    sort_at    timestamptz NOT NULL,
    words      tsvector NOT NULL
);
CREATE INDEX article_search_words ON article_search USING gin (words) WITH (fastupdate = off);

-- Who and what is in which article.
-- written by: enrich
CREATE TABLE article_entities (
    article_id bigint NOT NULL,
    entity_id  text NOT NULL,
    type       text NOT NULL,
    sort_at    timestamptz NOT NULL,
    count      integer NOT NULL,
    salience   real NOT NULL,
    PRIMARY KEY (article_id, entity_id)
);
CREATE INDEX article_entities_entity ON article_entities (entity_id, sort_at DESC, article_id DESC);

-- The directory of everything ever named.
-- written by: enrich
CREATE TABLE entities (
    id            text PRIMARY KEY,
    type          text NOT NULL,
    name          text NOT NULL,
    ids           jsonb NOT NULL DEFAULT '{}',
    first_seen_at timestamptz NOT NULL
);

-- How often an article's enrichment was begun: counted before the work, so that one that kills its worker is known.
-- written by: enrich
CREATE TABLE enrich_attempts (
    article_id bigint PRIMARY KEY,
    version    integer NOT NULL,
    attempts   integer NOT NULL,
    last_at    timestamptz NOT NULL
);
