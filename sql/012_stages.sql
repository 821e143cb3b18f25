-- Where on the line the pages of a crawl are, and what programs say of the model and of the broker. docs/ARCHITECTURE.md, "The front door".

-- What a page that is `scheduled` is at, the farthest last: two programs have it in hand while the one waits for the broker's word that the
-- other may. All names of stages that people see are these, and the states and times of a page.
CREATE TYPE stage AS ENUM (
    'queued',      -- in a queue, or on its way into one
    'awaiting',    -- a model is being asked for the same text on another page
    'fetching', 'parsing', 'summarizing', 'storing');

CREATE FUNCTION stage_of(program text) RETURNS stage LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE program WHEN 'fetcher' THEN 'fetching' WHEN 'parser' THEN 'parsing' WHEN 'summarizer' THEN 'summarizing'
                        WHEN 'writer' THEN 'storing' ELSE 'queued' END::stage
$$;

-- What the programs have in hand, as they said with the last second of the clock: page, its release, and since when (ms since 1970).
CREATE UNLOGGED TABLE hand (
    process  text PRIMARY KEY,
    program  text NOT NULL,
    at       timestamptz NOT NULL,
    pages    bigint[] NOT NULL,
    releases bigint[] NOT NULL,
    since    bigint[] NOT NULL
) WITH (fillfactor = 20);

-- Pages on the line that are not just queued. A program that is silent for 15 s is gone; a release that is void counts nowhere.
-- LIMIT: or the planner may begin with all pages, where an ANALYZE saw none.
CREATE VIEW page_now AS
SELECT DISTINCT ON (x.page_id) x.page_id, p.crawl_id, x.stage, x.since, x.process
FROM (SELECT u.page_id, u.release, stage_of(h.program) AS stage, to_timestamp(u.since / 1000.0) AS since, h.process
      FROM hand h CROSS JOIN LATERAL unnest(h.pages, h.releases, h.since) AS u (page_id, release, since)
      WHERE h.at > now() - interval '15 s'
      UNION ALL
      SELECT a.page_id, a.release, 'awaiting', a.since, NULL FROM awaited a WHERE a.sent_at IS NULL) x
CROSS JOIN LATERAL (SELECT q.crawl_id FROM page q WHERE q.id = x.page_id AND q.state = 'scheduled' AND x.release > q.void_release LIMIT 1) p
ORDER BY x.page_id, x.stage DESC;

-- As the leading writer counted them, each second; what else is `scheduled` is queued.
ALTER TABLE crawl_now
    ALTER COLUMN fetching SET DEFAULT 0,
    ADD COLUMN awaiting    bigint NOT NULL DEFAULT 0,
    ADD COLUMN parsing     bigint NOT NULL DEFAULT 0,
    ADD COLUMN summarizing bigint NOT NULL DEFAULT 0,
    ADD COLUMN storing     bigint NOT NULL DEFAULT 0;

CREATE FUNCTION crawl_now_count() RETURNS void LANGUAGE sql AS $$
    WITH n AS (
        SELECT crawl_id, count(*) FILTER (WHERE stage = 'awaiting') AS awaiting, count(*) FILTER (WHERE stage = 'fetching') AS fetching,
            count(*) FILTER (WHERE stage = 'parsing') AS parsing, count(*) FILTER (WHERE stage = 'summarizing') AS summarizing,
            count(*) FILTER (WHERE stage = 'storing') AS storing
        FROM page_now GROUP BY crawl_id),
    gone AS (DELETE FROM crawl_now WHERE crawl_id <> ALL(ARRAY(SELECT crawl_id FROM n)))
    INSERT INTO crawl_now AS k (crawl_id, awaiting, fetching, parsing, summarizing, storing)
    SELECT crawl_id, awaiting, fetching, parsing, summarizing, storing FROM n
    ON CONFLICT (crawl_id) DO UPDATE SET awaiting = excluded.awaiting, fetching = excluded.fetching, parsing = excluded.parsing,
        summarizing = excluded.summarizing, storing = excluded.storing
    WHERE (k.awaiting, k.fetching, k.parsing, k.summarizing, k.storing)
        <> (excluded.awaiting, excluded.fetching, excluded.parsing, excluded.summarizing, excluded.storing)
$$;

-- What a program says beside: why the broker takes no messages from it (null: it does); of the model, as an object (docs/API.md).
ALTER TABLE process
    ADD COLUMN alarm text,
    ADD COLUMN model jsonb;

-- A time in such an object; null if it has none.
CREATE FUNCTION ms_time(ms jsonb) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN jsonb_typeof(ms) = 'number' THEN CASE WHEN ms::numeric BETWEEN 1 AND 1e14 THEN to_timestamp(ms::numeric::double precision / 1000) END END
$$;
