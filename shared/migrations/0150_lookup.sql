-- An article's words for the index: each stem with the language whose stem it is, so that `news` in English does not find
-- `new` in French. The name without a FROM would be put in place of its call; so its cost counts, and no plan asks it of
-- row after row.
CREATE FUNCTION lookup_lexemes(lang text, words text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 5000 AS $$
    SELECT array_to_tsvector(array_remove(string_to_array(lang || ':' || replace(once.told, ' ', ' ' || lang || ':'), ' '), ''))
    FROM (SELECT btrim(words) AS told OFFSET 0) AS once
$$;

-- What lists and searches look articles up by: facts (`lang=en`, `entity=…`), and the stems of title and text in order.
-- Narrow on purpose: a page of it holds 15 articles; the words stand apart, packed, and are looked at for phrases only.
-- written by: enrich
CREATE TABLE article_lookup (
    article_id bigint PRIMARY KEY,
    sort_at    timestamptz NOT NULL,
    lang       text NOT NULL,               -- whose stems the words are; '': exact words
    facts      text[] NOT NULL,
    words      text NOT NULL                -- as shared/words.py makes them
) WITH (toast_tuple_target = 256);
ALTER TABLE article_lookup ALTER facts SET STORAGE MAIN;

-- What was enriched before is found by facts of its card and by its exact words, until it is enriched again.
INSERT INTO article_lookup (article_id, sort_at, lang, facts, words)
SELECT e.article_id, e.sort_at, '',
       (SELECT array_agg(DISTINCT f ORDER BY f) FROM (
            SELECT 'sample=' || e.article_id % 256 UNION ALL
            SELECT CASE WHEN e.sort_at > e.enriched_at + interval '1 day' THEN 'day=later'
                        ELSE 'day=' || to_char(e.sort_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') END UNION ALL
            SELECT 'lang=' || split_part(lower(e.lang), '-', 1) WHERE e.lang IS NOT NULL UNION ALL
            SELECT 'source=' || e.source_id UNION ALL
            SELECT 'feed=' || f.feed_id FROM article_feeds f WHERE f.article_id = e.article_id UNION ALL
            SELECT unnest(ARRAY['entity=' || n.entity_id, 'type=' || n.type])
            FROM article_entities n WHERE n.article_id = e.article_id AND length(n.entity_id) <= 160 UNION ALL
            SELECT 'place=' || p FROM jsonb_array_elements_text(card_facts(e.card) -> 'place') AS p
            WHERE length(p) <= 160 UNION ALL
            SELECT 'author=' || btrim(a) FROM jsonb_array_elements_text(card_facts(e.card) -> 'author') AS a
            WHERE length(a) <= 160 UNION ALL
            SELECT 'has=' || m.part
            FROM (VALUES ('author', 'authors'), ('body', 'body_source'), ('description', 'description'),
                         ('entity', 'entities'), ('image', 'images'), ('place', 'places')) AS m (part, member)
            WHERE CASE WHEN strpos(e.card, '\u0000') = 0
                       THEN coalesce(e.card::json #>> ARRAY[m.member], '') NOT IN ('', '[]') END UNION ALL
            SELECT 'has=' || m.part
            FROM (VALUES ('date', 'dates'), ('link', 'links'), ('media', 'media'), ('quote', 'quotes')) AS m (part, member)
            WHERE CASE WHEN strpos(e.rest, '\u0000') = 0
                       THEN coalesce(e.rest::json #>> ARRAY[m.member], '') NOT IN ('', '[]') END
        ) AS told (f)),
       ' ' || coalesce((SELECT string_agg(left(w.lexeme, 60), ' ')
                        FROM article_search s, unnest(s.words) AS w
                        WHERE s.article_id = e.article_id AND strpos(w.lexeme, ' ') = 0), '') || ' '
FROM enriched_articles e;

CREATE INDEX article_lookup_newest ON article_lookup (sort_at DESC, article_id DESC);
CREATE INDEX article_lookup_found ON article_lookup USING gin (facts, lookup_lexemes(lang, words)) WITH (fastupdate = off);
ANALYZE article_lookup;

-- Facts are written out now; the index on the card cost the enrichment commit more.
DROP INDEX enriched_articles_facts;

-- The directory is asked for by the beginnings of names, and tells the best known first.
ALTER TABLE entities ADD words tsvector NOT NULL DEFAULT '', ADD articles integer NOT NULL DEFAULT 0,
                     ADD last_seen_at timestamptz;
UPDATE entities e SET
    words = array_to_tsvector(array_remove(string_to_array(lower(e.name), ' '), '')),
    articles = (SELECT count(*) FROM article_entities a WHERE a.entity_id = e.id);
CREATE INDEX entities_words ON entities USING gin (words) WITH (fastupdate = off);
ALTER TABLE entities SET (fillfactor = 80);
