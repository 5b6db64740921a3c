-- When an article is dated, as stretches of time of five lengths: 68 minutes (4,096 s), 9 hours, 3, 24 and 194 days, each eight
-- of the one before. A stretch is its number times eight plus its length's. Named so, time is one more thing that the index over
-- facts and words intersects, as far back as a page needs; only the index has it, no row.
-- Inlined where it is called: of functions of PostgreSQL alone.
CREATE FUNCTION lookup_stretches(at timestamptz) RETURNS int[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ARRAY[floor(date_part('epoch', at AT TIME ZONE 'UTC') / 4096)::int * 8,
                 floor(date_part('epoch', at AT TIME ZONE 'UTC') / 32768)::int * 8 + 1,
                 floor(date_part('epoch', at AT TIME ZONE 'UTC') / 262144)::int * 8 + 2,
                 floor(date_part('epoch', at AT TIME ZONE 'UTC') / 2097152)::int * 8 + 3,
                 floor(date_part('epoch', at AT TIME ZONE 'UTC') / 16777216)::int * 8 + 4]
$$;

DROP INDEX article_lookup_found;
CREATE INDEX article_lookup_found ON article_lookup
    USING gin (facts, lookup_lexemes(lang, words), lookup_stretches(sort_at)) WITH (fastupdate = off);
ANALYZE article_lookup;
