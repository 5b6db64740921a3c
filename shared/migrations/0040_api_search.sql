-- Where an article plays and who wrote it, read out of its ready card: {"place": entity ids and countries of its places,
-- "author": names in lower case}. A card that jsonb cannot hold has no facts: this never raises, since enrichment would.
-- Its cost tells the planner not to walk the newest articles and ask each.
CREATE FUNCTION card_facts(card text) RETURNS jsonb
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 5000 AS $$
    SELECT CASE WHEN strpos(card, '\u0000') = 0 THEN (
        SELECT jsonb_build_object(
            'place', jsonb_path_query_array(
                parsed.c, 'lax $.places[*].keyvalue() ? (@.key == "entity_id" || @.key == "country").value', '{}', true),
            'author', lower((parsed.c -> 'authors')::text)::jsonb)
        FROM (SELECT card::jsonb AS c OFFSET 0) AS parsed
    ) END
$$;
CREATE INDEX enriched_articles_facts ON enriched_articles USING gin (card_facts(card) jsonb_path_ops);
