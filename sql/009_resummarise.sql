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

-- What that would cost, before it is asked for: a token for four bytes of what the model is shown (input_max: SUMMARY_INPUT_MAX) and 250 for
-- the prompt around them; out as many as answers had so far, 150 if there is none. Prices are those of a million tokens.
CREATE FUNCTION resummarise_estimate(crawl bigint DEFAULT NULL, engine text DEFAULT NULL, age interval DEFAULT NULL, code text DEFAULT NULL,
                                     price_input numeric DEFAULT 0, price_output numeric DEFAULT 0, input_max int DEFAULT 24000)
RETURNS TABLE (texts bigint, tokens_in bigint, tokens_out bigint, price numeric) LANGUAGE sql STABLE AS $$
    SELECT n, i, n * o, (i * $5 + n * o * $6) / 1000000
    FROM (SELECT count(*) AS n, coalesce(sum(octet_length(CASE WHEN octet_length(a.text) > $7 THEN left(a.text, $7) ELSE a.text END) / 4 + 250), 0)::bigint AS i
          FROM resummarise_texts($1, $2, $3, $4) t JOIN article a USING (content_hash)) x,
         (SELECT coalesce((SELECT avg(c.tokens_out) FROM llm_call c WHERE c.tokens_out > 0), 150)::bigint AS o) y
$$;

-- What a thousand articles cost at given prices of a million tokens: measured, from the calls so far. A text that was asked for twice has both
-- calls in it, a probe counts with all. Cached tokens cost price_cached, or as all others if none is given. No row without calls.
CREATE FUNCTION thousand_articles(price_input numeric, price_output numeric, price_cached numeric DEFAULT NULL, crawl bigint DEFAULT NULL)
RETURNS TABLE (texts bigint, calls bigint, tokens_in numeric, tokens_cached numeric, tokens_out numeric, price numeric) LANGUAGE sql STABLE AS $$
    SELECT n, c, round(1000 * i / n), round(1000 * k / n), round(1000 * o / n),
           round(1000 * ((i - k) * $1 + k * coalesce($3, $1) + o * $2) / 1000000 / n, 4)
    FROM (SELECT count(DISTINCT content_hash) AS n, count(*) AS c, coalesce(sum(l.tokens_in), 0) AS i, coalesce(sum(l.tokens_cached), 0) AS k,
                 coalesce(sum(l.tokens_out), 0) AS o
          FROM llm_call l WHERE received_at IS NOT NULL AND ($4 IS NULL OR l.crawl_id = $4)) x
    WHERE n > 0
$$;

-- Queues them; the number of texts that were not queued before. That the model once gave nothing for a text is forgotten.
CREATE FUNCTION resummarise(crawl bigint DEFAULT NULL, engine text DEFAULT NULL, age interval DEFAULT NULL, code text DEFAULT NULL)
RETURNS bigint LANGUAGE sql AS $$
    WITH t AS MATERIALIZED (SELECT * FROM resummarise_texts($1, $2, $3, $4)),
    forgotten AS (DELETE FROM summary s USING t WHERE s.content_hash = t.content_hash AND s.text IS NULL AND s.failure IS NOT NULL),
    queued AS (INSERT INTO resummary (content_hash, page_id) SELECT * FROM t ON CONFLICT DO NOTHING RETURNING 1)
    SELECT count(*) FROM queued
$$;
