-- Texts that are to be summarised again, by the recipe that is configured now. The leading writer puts them into `article` one
-- after the other (writer/resummary.c), counted in the window; states of pages do not change. What was there is kept beside the new.
CREATE TABLE resummary (
    content_hash uuid PRIMARY KEY,
    page_id      bigint NOT NULL, -- a page with that text: its metadata go along
    asked_at     timestamptz NOT NULL DEFAULT now(),
    due_at       timestamptz NOT NULL DEFAULT now(),
    sent_at      timestamptz      -- in `article`, or on its way back; null: waits
);
CREATE INDEX resummary_due ON resummary (due_at) WHERE sent_at IS NULL;
CREATE INDEX resummary_sent ON resummary (sent_at) WHERE sent_at IS NOT NULL;

-- Stored texts of a crawl (null: of all), whose summary is by an engine ('extractive', 'llm'; null: by any, or owed), was made so long ago,
-- or has this code (BUDGET_EXCEEDED, MODEL_REFUSED …, as code or reason of the page).
CREATE FUNCTION resummarise_texts(crawl bigint, engine text, age interval, code text)
RETURNS TABLE (content_hash uuid, page_id bigint) LANGUAGE sql STABLE AS $$
    SELECT p.content_hash, min(p.id)
    FROM page p LEFT JOIN summary s ON s.content_hash = p.content_hash AND s.recipe_hash = p.recipe_hash AND s.text IS NOT NULL
    WHERE p.state = 'stored' AND p.content_hash IS NOT NULL
      AND ($1 IS NULL OR p.crawl_id = $1)
      AND ($2 IS NULL OR s.engine = $2)
      AND ($3 IS NULL OR coalesce(s.created_at, p.ended_at) <= now() - $3)
      AND ($4 IS NULL OR p.code = $4 OR p.reason = $4)
    GROUP BY p.content_hash
$$;

-- What that would cost, before it is asked for: a token for four bytes and 250 for the prompt around them; out as many as answers had so far,
-- 150 if there is none. Prices are those of a million tokens.
CREATE FUNCTION resummarise_estimate(crawl bigint DEFAULT NULL, engine text DEFAULT NULL, age interval DEFAULT NULL, code text DEFAULT NULL,
                                     price_input numeric DEFAULT 0, price_output numeric DEFAULT 0)
RETURNS TABLE (texts bigint, tokens_in bigint, tokens_out bigint, price numeric) LANGUAGE sql STABLE AS $$
    SELECT n, i, n * o, (i * $5 + n * o * $6) / 1000000
    FROM (SELECT count(*) AS n, coalesce(sum(octet_length(a.text) / 4 + 250), 0)::bigint AS i
          FROM resummarise_texts($1, $2, $3, $4) t JOIN article a USING (content_hash)) x,
         (SELECT coalesce((SELECT avg(c.tokens_out) FROM llm_call c WHERE c.tokens_out > 0), 150)::bigint AS o) y
$$;

-- Queues them; the number of texts that were not queued before. That the model once gave nothing for a text is forgotten.
CREATE FUNCTION resummarise(crawl bigint DEFAULT NULL, engine text DEFAULT NULL, age interval DEFAULT NULL, code text DEFAULT NULL)
RETURNS bigint LANGUAGE sql AS $$
    WITH t AS MATERIALIZED (SELECT * FROM resummarise_texts($1, $2, $3, $4)),
    forgotten AS (DELETE FROM summary s USING t WHERE s.content_hash = t.content_hash AND s.text IS NULL AND s.failure IS NOT NULL),
    queued AS (INSERT INTO resummary (content_hash, page_id) SELECT * FROM t ON CONFLICT DO NOTHING RETURNING 1)
    SELECT count(*) FROM queued
$$;
