-- One buyer for each text: a row of `summary` without a text is a lease on it (summarizer/ledger.c).
ALTER TABLE summary
    ALTER COLUMN text DROP NOT NULL,
    ADD COLUMN owner       uuid,        -- the process that asks the model now, a random id
    ADD COLUMN lease_until timestamptz, -- it has given up by then
    ADD COLUMN failure     text,        -- code: the model was asked, and gave nothing of use; it is not asked again
    ADD COLUMN detail      text,        -- of that failure; of a summary: that the engine was not given all of a long text
    ADD CONSTRAINT summary_is_one CHECK (text IS NOT NULL OR failure IS NOT NULL OR lease_until IS NOT NULL);

-- Pages whose text is another one's question: the record is kept, the page stays `scheduled`. The leading writer ends the wait
-- (writer/awaited.c). A row counts while its page is in flight, and its release is not void; any other is swept.
CREATE TABLE awaited (
    page_id      bigint PRIMARY KEY,
    release      bigint NOT NULL,
    content_hash uuid NOT NULL,
    recipe_hash  uuid NOT NULL,
    record       bytea NOT NULL, -- the article as it travels, zstd
    since        timestamptz NOT NULL DEFAULT now(),
    sent_at      timestamptz     -- put into the queue `article` again; null: waits
);
CREATE INDEX awaited_text ON awaited (content_hash, recipe_hash);

-- A row for each call of a model, also for those that never came back.
CREATE TABLE llm_call (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    content_hash  uuid,           -- null: a probe
    recipe_hash   uuid,
    crawl_id      bigint,         -- of the page whose text it was
    page_id       bigint,
    owner         uuid NOT NULL,  -- the process
    model         text NOT NULL,
    try           smallint NOT NULL,
    intended_at   timestamptz NOT NULL DEFAULT now(), -- the lease is ours
    sent_at       timestamptz,    -- the request was about to go out: from here on it may cost
    received_at   timestamptz,    -- an answer of any kind was there, or its time was up
    status        smallint,       -- HTTP
    fault         text,           -- null: none
    request_id    text,           -- the provider's
    tokens_in     bigint,
    tokens_cached bigint,         -- of tokens_in: from the provider's cache
    tokens_out    bigint,
    price         bigint,         -- millionths of the currency that prices are configured in
    ms            bigint,
    reserved_tokens bigint NOT NULL DEFAULT 0, -- while it is not settled they count as spent
    reserved_price  bigint NOT NULL DEFAULT 0,
    budget_day    date            -- whose budget it is
);
CREATE INDEX llm_call_text ON llm_call (content_hash) WHERE content_hash IS NOT NULL;
CREATE INDEX llm_call_crawl ON llm_call (crawl_id);

-- What was spent, and is reserved for calls that have not come back, by crawl and by day (UTC).
CREATE TABLE budget (
    scope  text PRIMARY KEY, -- 'crawl 12', 'day 2026-11-21'
    tokens bigint NOT NULL,
    price  bigint NOT NULL,  -- millionths
    -- of calls that came back, as the provider counted
    tokens_in     bigint NOT NULL DEFAULT 0,
    tokens_cached bigint NOT NULL DEFAULT 0,
    tokens_out    bigint NOT NULL DEFAULT 0
);

-- When the model may be asked next, by all summarizers together. Each request moves these times on.
CREATE TABLE model_rate (
    model        text PRIMARY KEY, -- its endpoint and name
    request_at   timestamptz NOT NULL DEFAULT '-infinity', -- by requests a minute
    token_at     timestamptz NOT NULL DEFAULT '-infinity', -- by tokens a minute
    paused_until timestamptz NOT NULL DEFAULT '-infinity'  -- its server said so
);

ALTER TABLE crawl ADD COLUMN IF NOT EXISTS cancel_at timestamptz; -- asked for: what is in flight comes home, nothing is bought for it

-- ledger_check as it was; stored and unchanged pages need a summary that is more than a lease, or owe it.
ALTER VIEW ledger_check RENAME TO ledger_check_before_leases;
CREATE VIEW ledger_check AS
SELECT * FROM ledger_check_before_leases WHERE fault NOT IN ('stored without article or summary', 'UNCHANGED without article or summary')
UNION ALL
SELECT p.crawl_id, p.id, CASE WHEN p.state = 'stored' THEN 'stored' ELSE 'UNCHANGED' END || ' without article or summary', p.content_hash::text,
       p.recipe_hash::text
FROM page p
WHERE (p.state = 'stored' OR p.code = 'UNCHANGED') AND p.code IS DISTINCT FROM 'BUDGET_EXCEEDED'
  AND NOT EXISTS (SELECT FROM summary s WHERE s.content_hash = p.content_hash AND s.recipe_hash = p.recipe_hash AND s.text IS NOT NULL);

-- What a page waits for, as before, and now also for the model's answer to another one's question.
ALTER FUNCTION page_waits(page) RENAME TO page_waits_before_leases;
CREATE FUNCTION page_waits(p page) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT jsonb_build_object('for', 'summary', 'why', 'the model is asked for the same text on another page', 'since', a.since)
                     FROM awaited a WHERE a.page_id = p.id AND p.state = 'scheduled'), page_waits_before_leases(p))
$$;
