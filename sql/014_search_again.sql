-- A text whose summary is replaced is read for the search again. `recipe_hash` says whose summary's words the search has.
ALTER TABLE article_search ADD COLUMN recipe_hash uuid; -- null: none's, or from before there was this column

-- Texts that were summarised again: no page of theirs ends by that, so nothing else would tell the search.
CREATE TABLE search_again (
    content_hash uuid PRIMARY KEY REFERENCES article ON DELETE CASCADE
);

-- As before, and texts that were summarised again.
CREATE OR REPLACE FUNCTION search_take(n integer) RETURNS integer LANGUAGE plpgsql SET lock_timeout = '200ms' AS $$
DECLARE
    c crawl;
    again uuid[];
    upto bigint;
    took integer;
BEGIN
    SELECT * INTO c FROM crawl WHERE searched < event ORDER BY id LIMIT 1;
    WITH gone AS (DELETE FROM search_again WHERE content_hash = ANY(ARRAY(SELECT content_hash FROM search_again LIMIT n)) RETURNING content_hash)
    SELECT array_agg(content_hash) INTO again FROM gone;
    IF c.id IS NULL AND again IS NULL THEN
        RETURN NULL;
    END IF;
    WITH p AS MATERIALIZED (
        SELECT event, state, content_hash, recipe_hash, title, lang FROM page
        WHERE (crawl_id, event) > (c.id, c.searched) AND (crawl_id, event) <= (c.id, c.event) AND event IS NOT NULL
        ORDER BY crawl_id, event LIMIT n),
    asked AS (
        SELECT event, content_hash, recipe_hash, title, lang FROM p WHERE state = 'stored'
        UNION ALL
        SELECT q.* FROM unnest(again) AS h CROSS JOIN LATERAL (
            SELECT event, content_hash, recipe_hash, title, lang FROM page WHERE page.content_hash = h AND page.state = 'stored'
            ORDER BY page.id DESC LIMIT 1) q),
    fresh AS (
        SELECT DISTINCT ON (p.content_hash) p.content_hash, p.recipe_hash, p.title, search_config_of(p.lang) AS config, s.text AS summary, a.text
        FROM asked p JOIN article a ON a.content_hash = ANY(ARRAY[p.content_hash])
        LEFT JOIN summary s ON s.content_hash = ANY(ARRAY[p.content_hash]) AND s.recipe_hash = p.recipe_hash
        WHERE NOT EXISTS (SELECT FROM article_search x WHERE x.content_hash = ANY(ARRAY[p.content_hash])
                          AND (p.recipe_hash IS NULL OR x.recipe_hash = p.recipe_hash))
        ORDER BY p.content_hash, p.event DESC),
    languages AS (INSERT INTO search_config SELECT DISTINCT config FROM fresh ON CONFLICT DO NOTHING),
    written AS (
        -- tsvector ends at 1 MiB; of a text of a book's length the beginning is found
        INSERT INTO article_search (content_hash, recipe_hash, config, words)
        SELECT content_hash, recipe_hash, config, setweight(to_tsvector(config, coalesce(left(title, 1000), '')), 'A')
            || setweight(to_tsvector(config, coalesce(left(summary, 10000), '')), 'B') || to_tsvector(config, left(text, 100000))
        FROM fresh ON CONFLICT (content_hash) DO UPDATE SET recipe_hash = excluded.recipe_hash, config = excluded.config, words = excluded.words
        RETURNING 1)
    SELECT (SELECT count(*) FROM written), CASE WHEN (SELECT count(*) FROM p) < n THEN c.event ELSE (SELECT max(event) FROM p) END INTO took, upto;
    -- Last, so that nobody waits long for the lock on the crawl.
    UPDATE crawl SET searched = upto WHERE id = c.id;
    RETURN took;
END $$;

-- Ends of pages that the search has not seen yet, and texts that it is to read again.
CREATE OR REPLACE FUNCTION search_waiting() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (SELECT coalesce(sum(event - searched), 0) FROM crawl WHERE searched < event)::bigint + (SELECT count(*) FROM search_again)
$$;
