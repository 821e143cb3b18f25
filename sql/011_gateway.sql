-- What a front door needs (any program that may log in to the database, such as a gateway or psql): requests, state of the line,
-- numbered changes of a crawl, search, deletion. docs/ARCHITECTURE.md, "The front door".

-- ---- who asks ----

CREATE TABLE api_key (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text NOT NULL,
    sha256          bytea NOT NULL UNIQUE CHECK (octet_length(sha256) = 32), -- of the key; the key itself is nowhere
    rate_per_minute integer CHECK (rate_per_minute > 0),                     -- null: no limit
    created_at      timestamptz NOT NULL DEFAULT now(),
    revoked_at      timestamptz
);

-- What a key has used of its current minute, in all gateways together.
CREATE UNLOGGED TABLE api_use (
    key_id bigint PRIMARY KEY REFERENCES api_key ON DELETE CASCADE,
    minute timestamptz NOT NULL,
    used   bigint NOT NULL
) WITH (fillfactor = 50);

-- Takes up to n requests out of the key's minute: how many it may make. A gateway takes some at a time.
CREATE FUNCTION api_take(key_id bigint, n integer) RETURNS integer LANGUAGE sql AS $$
    WITH k AS (SELECT id, rate_per_minute FROM api_key WHERE id = api_take.key_id AND revoked_at IS NULL),
    taken AS (
        INSERT INTO api_use AS u (key_id, minute, used) SELECT id, date_trunc('minute', clock_timestamp()), api_take.n FROM k
        ON CONFLICT ON CONSTRAINT api_use_pkey DO UPDATE SET
            used = CASE WHEN u.minute = excluded.minute THEN u.used ELSE 0 END + excluded.used, minute = excluded.minute
        RETURNING used
    )
    SELECT coalesce((SELECT CASE WHEN k.rate_per_minute IS NULL THEN api_take.n
                                 ELSE greatest(0, least(api_take.n, k.rate_per_minute - (taken.used - api_take.n)))::integer END
                     FROM k, taken), 0)
$$;

-- ---- requests ----

-- What is asked for: a seed message, as the queue `seed` takes it. A writer takes each once, in the transaction that admits it.
CREATE TABLE request (
    id       uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    at       timestamptz NOT NULL DEFAULT now(),
    body     text COMPRESSION lz4 NOT NULL CHECK (octet_length(body) <= 1048576),
    key_id   bigint REFERENCES api_key,
    idem     text CHECK (octet_length(idem) BETWEEN 1 AND 255), -- Idempotency-Key
    express  boolean NOT NULL DEFAULT false, -- a person waits for it; as a message in seed.express
    inbox    boolean NOT NULL DEFAULT false, -- a bare URL goes to the inbox, as a message does; else it makes a crawl, too
    force    boolean NOT NULL DEFAULT false, -- inbox: a page that has ended is fetched again, however young it is
    taken_at timestamptz,
    crawl_id bigint,                         -- what came of it ...
    field    text,                           -- ... or why nothing did: the member at fault, if it is one,
    error    text,                           -- and the reason
    CHECK (CASE WHEN taken_at IS NULL THEN crawl_id IS NULL AND error IS NULL ELSE (crawl_id IS NULL) <> (error IS NULL) END)
);
CREATE UNIQUE INDEX request_idem ON request (coalesce(key_id, 0), idem) WHERE idem IS NOT NULL;
CREATE INDEX request_new ON request (at) WHERE taken_at IS NULL;
CREATE INDEX request_taken ON request (taken_at) WHERE taken_at IS NOT NULL;
CREATE INDEX request_crawl ON request (crawl_id) WHERE crawl_id IS NOT NULL;

CREATE FUNCTION request_tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NOTIFY gistmill; RETURN NULL; END $$;
CREATE TRIGGER request_tell AFTER INSERT ON request FOR EACH STATEMENT EXECUTE FUNCTION request_tell();

-- Writes a request down, or finds the one that was made with the same key and Idempotency-Key. `fresh`: it is new; `conflict`: the
-- one found asked for something else. When it is taken, NOTIFY gistmill_taken.
CREATE FUNCTION request_add(body text, key_id bigint DEFAULT NULL, idem text DEFAULT NULL, express boolean DEFAULT false,
                            inbox boolean DEFAULT false, force boolean DEFAULT false)
RETURNS TABLE (id uuid, fresh boolean, conflict boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY INSERT INTO request (body, key_id, idem, express, inbox, force)
        VALUES (request_add.body, request_add.key_id, request_add.idem, request_add.express, request_add.inbox, request_add.force)
        ON CONFLICT (coalesce(key_id, 0), idem) WHERE idem IS NOT NULL DO NOTHING RETURNING request.id, true, false;
    IF NOT FOUND THEN
        RETURN QUERY SELECT r.id, false, (r.body, r.express, r.inbox, r.force)
            IS DISTINCT FROM (request_add.body, request_add.express, request_add.inbox, request_add.force)
            FROM request r WHERE coalesce(r.key_id, 0) = coalesce(request_add.key_id, 0) AND r.idem = request_add.idem;
    END IF;
END $$;

-- ---- what a crawl tells ----

-- A crawl numbers what happens in it, without gaps and in the order of commits: whoever changes it holds the lock on its row.
-- What happens is that a page ends (page.event, the last time that it did) or that the crawl itself changes (crawl_event).
ALTER TABLE crawl
    ADD COLUMN public_id uuid,                          -- the first request that asked for it; else as `request`
    ADD COLUMN event    bigint NOT NULL DEFAULT 1,      -- the last number given
    ADD COLUMN searched bigint NOT NULL DEFAULT 0,      -- up to here, what ended as stored has been offered to the search
    ADD COLUMN rate     double precision NOT NULL DEFAULT 0,   -- pages that have ended, each fading with its age: e^(-minutes)
    ADD COLUMN rate_at  timestamptz NOT NULL DEFAULT now(),    -- as of then
    ADD COLUMN purge_at timestamptz;                    -- it was deleted; the leading writer takes its rows away in batches
ALTER TABLE page ADD COLUMN event bigint;

CREATE TABLE crawl_event (
    crawl_id bigint NOT NULL REFERENCES crawl ON DELETE CASCADE,
    event    bigint NOT NULL,
    at       timestamptz NOT NULL DEFAULT now(),
    what     text NOT NULL, -- started, paused, resumed, cancelling, retried, completed, cancelled
    PRIMARY KEY (crawl_id, event)
);

WITH numbered AS (
    SELECT id, row_number() OVER (PARTITION BY crawl_id ORDER BY ended_at, id) + 1 AS event
    FROM page WHERE state NOT IN ('registered', 'scheduled')
)
UPDATE page p SET event = n.event FROM numbered n WHERE n.id = p.id;
CREATE UNIQUE INDEX page_event ON page (crawl_id, event) WHERE event IS NOT NULL;
-- Pages by URL, whatever their crawl: those that have ended once. An open page that never has is found by its crawl.
CREATE INDEX page_url ON page (url_hash) WHERE event IS NOT NULL;
UPDATE crawl SET public_id = request, event = 1 + stored + skipped + errors + cancelled;
INSERT INTO crawl_event (crawl_id, event, at, what) SELECT id, 1, created_at, 'started' FROM crawl;
ALTER TABLE crawl ALTER COLUMN public_id SET DEFAULT gen_random_uuid(), ALTER COLUMN public_id SET NOT NULL, ADD UNIQUE (public_id);
CREATE INDEX crawl_unsearched ON crawl (id) WHERE searched < event;
CREATE INDEX crawl_purge ON crawl (id) WHERE purge_at IS NOT NULL;

-- The state as people see it.
CREATE FUNCTION crawl_state(c crawl) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN c.state <> 'running' THEN c.state::text WHEN c.cancel_at IS NOT NULL THEN 'cancelling'
                WHEN c.paused_at IS NOT NULL THEN 'paused' ELSE 'running' END
$$;

CREATE FUNCTION crawl_begin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO crawl_event (crawl_id, event, what) VALUES (NEW.id, NEW.event, 'started');
    RETURN NULL;
END $$;
CREATE TRIGGER crawl_begin AFTER INSERT ON crawl FOR EACH ROW EXECUTE FUNCTION crawl_begin();

CREATE FUNCTION crawl_turn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.event := NEW.event + 1;
    INSERT INTO crawl_event (crawl_id, event, what) VALUES (NEW.id, NEW.event, CASE
        WHEN NEW.state <> 'running' THEN NEW.state::text
        WHEN NEW.run > OLD.run THEN 'started'
        WHEN OLD.state <> 'running' THEN 'retried'
        WHEN NEW.cancel_at IS NOT NULL THEN 'cancelling'
        WHEN NEW.paused_at IS NOT NULL THEN 'paused'
        ELSE 'resumed' END);
    RETURN NEW;
END $$;
CREATE TRIGGER crawl_turn BEFORE UPDATE ON crawl FOR EACH ROW
    WHEN (OLD.state <> NEW.state OR (OLD.paused_at IS NULL) <> (NEW.paused_at IS NULL) OR (OLD.cancel_at IS NULL) <> (NEW.cancel_at IS NULL))
    EXECUTE FUNCTION crawl_turn();

-- What happened after number `after`, oldest first, at most n: page_id null is the crawl itself. A page that ended several times is
-- there once, with its last end; while it is open again it is not there.
CREATE FUNCTION crawl_events(crawl_id bigint, after bigint, n integer DEFAULT 500)
RETURNS TABLE (event bigint, at timestamptz, what text, page_id bigint, code text) LANGUAGE sql STABLE AS $$
    (SELECT p.event, p.ended_at, p.state::text, p.id, p.code FROM page p
     WHERE (p.crawl_id, p.event) > (crawl_events.crawl_id, crawl_events.after)
       AND (p.crawl_id, p.event) <= (crawl_events.crawl_id, 9223372036854775807) AND p.event IS NOT NULL AND p.ended_at IS NOT NULL
     ORDER BY p.crawl_id, p.event LIMIT crawl_events.n)
    UNION ALL
    (SELECT e.event, e.at, e.what, NULL, NULL FROM crawl_event e
     WHERE e.crawl_id = crawl_events.crawl_id AND e.event > crawl_events.after ORDER BY e.event LIMIT crawl_events.n)
    ORDER BY 1 LIMIT crawl_events.n
$$;

-- The pages of all crawls that have this url_hash (common/base/digest.h). One look by URL, and one for each crawl that has open pages.
CREATE FUNCTION page_known(hash uuid) RETURNS SETOF page LANGUAGE sql STABLE AS $$
    SELECT p.* FROM page p
    WHERE p.url_hash = hash AND p.event IS NOT NULL AND NOT EXISTS (SELECT FROM crawl c WHERE c.id = p.crawl_id AND c.purge_at IS NOT NULL)
    UNION ALL
    SELECT p.* FROM crawl c JOIN page p ON p.crawl_id = c.id WHERE c.open > 0 AND p.url_hash = hash AND p.event IS NULL
$$;

-- Pages that end in a minute, as of now, in this run.
CREATE FUNCTION crawl_rate(c crawl) RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN c.state <> 'running' THEN 0 ELSE
        c.rate * exp(greatest(extract(epoch FROM c.rate_at - now())::double precision, -3000) / 60)
        / (1 - exp(greatest(least(extract(epoch FROM c.started_at - now())::double precision, -1), -3000) / 60)) END
$$;

-- A crawl by what people call it: its number, its public id, or the id of any request that led to it. Null: there is none.
-- (plpgsql keeps the plans of its statements: this is asked thousands of times a second.)
CREATE FUNCTION crawl_find(name text) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
    found bigint;
BEGIN
    IF name ~ '^[0-9]{1,18}$' THEN
        SELECT id INTO found FROM crawl WHERE id = name::bigint AND purge_at IS NULL;
    ELSIF name ~* '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' THEN
        SELECT id INTO found FROM crawl WHERE public_id = name::uuid AND purge_at IS NULL;
        IF found IS NULL THEN
            SELECT crawl_id INTO found FROM request WHERE id = name::uuid;
        END IF;
    END IF;
    RETURN found;
END $$;

-- ---- the line ----

-- Programs that have said that they are there, each every 5 seconds. One that has not for 15 is gone.
CREATE TABLE process (
    id         text PRIMARY KEY,     -- of this start of the program
    program    text NOT NULL,
    host       text NOT NULL,
    pid        integer NOT NULL,
    version    text NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    state      text NOT NULL,        -- working, waiting, stopping; of the leading writer: leading
    why        text,                 -- what it waits for
    in_hand    bigint NOT NULL       -- messages it works on
) WITH (fillfactor = 50);

-- Queues as the leading writer saw them, every second.
CREATE TABLE queue (
    name      text PRIMARY KEY,
    ready     bigint NOT NULL,
    consumers bigint NOT NULL,
    seen_at   timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Requests to servers that are out now, by crawl, as the leading writer counted them; what else is `scheduled` is further down the line.
CREATE UNLOGGED TABLE crawl_now (
    crawl_id bigint PRIMARY KEY,
    fetching bigint NOT NULL
) WITH (fillfactor = 50);

-- Why a crawl does not go faster, in one line; null: it is under way, or has ended. Looks at a bounded number of rows.
CREATE FUNCTION crawl_why(c crawl) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    lane text := CASE WHEN c.priority < 0 THEN '.express' ELSE '' END;
    said text;
    h host;
    due timestamptz;
BEGIN
    IF c.state <> 'running' OR (c.open = 0 AND c.again_after IS NULL) THEN
        RETURN NULL;
    ELSIF c.cancel_at IS NOT NULL THEN
        RETURN format('cancelling: %s pages are in flight, %s wait for their end', c.scheduled, c.registered);
    ELSIF c.paused_at IS NOT NULL THEN
        RETURN format('paused since %s', to_char(c.paused_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS UTC'));
    END IF;
    -- A stage that nobody runs, or that waits itself: of those that have work from this crawl.
    SELECT coalesce((SELECT p.program || ': ' || p.why FROM process p WHERE p.program = s.program AND p.why IS NOT NULL
                     AND p.seen_at > now() - interval '15 s' ORDER BY p.seen_at DESC LIMIT 1), format('no %s is running', s.program))
    INTO said
    FROM (VALUES ('fetcher', 'url' || lane, 1), ('parser', 'html' || lane, 2), ('summarizer', 'article' || lane, 3)) s (program, queue, place)
    JOIN queue q ON q.name = s.queue
    WHERE q.consumers = 0 AND q.seen_at > now() - interval '15 s' AND (s.place = 1 OR c.scheduled > 0)
    ORDER BY s.place LIMIT 1;
    IF said IS NOT NULL THEN
        RETURN said;
    ELSIF NOT EXISTS (SELECT FROM process WHERE program = 'writer' AND seen_at > now() - interval '15 s') THEN
        RETURN 'no writer is running';
    ELSIF EXISTS (SELECT FROM network WHERE down_since IS NOT NULL) THEN
        RETURN 'our network is down: hosts that answered before cannot be reached';
    ELSIF c.kept >= c.max_pages THEN
        RETURN format('limit: %s pages of %s are there; what is in flight comes home', c.kept, c.max_pages);
    END IF;
    SELECT x.* INTO h FROM (SELECT * FROM host WHERE next_at <> 'infinity' ORDER BY next_at LIMIT 1000) x
    WHERE EXISTS (SELECT FROM frontier f WHERE f.host_id = x.id AND f.crawl_id = c.id) ORDER BY x.next_at LIMIT 1;
    IF FOUND THEN
        RETURN CASE WHEN h.free_at <= now() THEN NULL
            WHEN h.failures > 0 THEN format('%s fails (%s): next request in %s s', h.name, h.fault, round(extract(epoch FROM h.free_at - now()), 1))
            ELSE format('polite: next request to %s in %s s', h.name, round(extract(epoch FROM h.free_at - now()), 1)) END;
    ELSIF c.scheduled > 0 THEN
        RETURN NULL;
    END IF;
    SELECT x.* INTO h FROM frontier f JOIN host x ON x.id = f.host_id WHERE f.crawl_id = c.id LIMIT 1;
    IF FOUND THEN
        RETURN CASE WHEN EXISTS (SELECT FROM ticket t WHERE t.page_id = 0 AND t.host_id = h.id) THEN format('asks %s for its robots.txt', h.name)
                    WHEN h.out > 0 THEN format('%s: requests are under way: %s', h.name, h.out) END;
    END IF;
    SELECT min(due_at) INTO due FROM (SELECT due_at FROM delayed WHERE crawl_id = c.id LIMIT 1000) d;
    RETURN format('failed before: next try in %s s', round(extract(epoch FROM greatest(due - now(), interval '0')), 1));
END $$;

-- ---- new runs, deletion ----

-- A new run of a crawl that has ended, as sending its seed again. Errors: object_not_in_prerequisite_state.
CREATE FUNCTION crawl_recrawl(id bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    c crawl := crawl_lock(id);
BEGIN
    IF c.state = 'running' THEN
        RAISE EXCEPTION 'crawl % is %', id, crawl_state(c) USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    c := crawl_run(c.id);
    NOTIFY gistmill;
    RETURN crawl_answer(c);
END $$;

-- Its row is locked and not running: a run begins; the leading writer registers the pages that are known.
-- clock_timestamp: the lock may have been waited for while the last page ended.
CREATE FUNCTION crawl_run(id bigint) RETURNS crawl LANGUAGE sql AS $$
    UPDATE crawl_host SET sitemaps_read = false WHERE crawl_id = crawl_run.id AND sitemaps_read;
    UPDATE crawl SET state = 'running', paused_at = NULL, cancel_at = NULL, run = run + 1, started_at = clock_timestamp(),
        finished_at = NULL, begun = 0, kept = 0, rate = 0, again_after = '00000000-0000-0000-0000-000000000000'
    WHERE crawl.id = crawl_run.id RETURNING *
$$;

-- As it was, and a crawl that was deleted is not there any more.
CREATE OR REPLACE FUNCTION crawl_lock(id bigint) RETURNS crawl LANGUAGE plpgsql AS $$
DECLARE
    c crawl;
BEGIN
    SELECT * INTO c FROM crawl WHERE crawl.id = crawl_lock.id AND purge_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no crawl %', coalesce(id::text, 'without an id') USING ERRCODE = 'no_data_found';
    END IF;
    RETURN c;
END $$;

-- Deletes a crawl that has ended: from now on it cannot be found, and the same seed makes a new one; its rows go in batches
-- (crawl_purge). Errors: no_data_found, object_not_in_prerequisite_state.
CREATE FUNCTION crawl_delete(id bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    c crawl := crawl_lock(id);
BEGIN
    IF c.is_inbox OR c.state = 'running' THEN
        RAISE EXCEPTION 'crawl % is %', id, CASE WHEN c.is_inbox THEN 'the inbox' ELSE crawl_state(c) END
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    UPDATE crawl SET purge_at = now(), request = gen_random_uuid(), public_id = gen_random_uuid() WHERE crawl.id = c.id;
    DELETE FROM request WHERE crawl_id = c.id;
    NOTIFY gistmill;
    RETURN jsonb_build_object('crawl', c.id::text, 'state', 'deleted', 'pages', c.admitted);
END $$;

-- Takes up to n pages of a deleted crawl away, with all that belongs to them, and articles that no page has any more; at last the
-- crawl. True while something is left. The counters follow, so the books are closed at every instant.
-- Whoever stores a page holds the advisory lock shared: an article that is found to be there stays until the page is committed. All who
-- come after the purge wait with it, so it does not wait long. Errors: lock_not_available.
CREATE FUNCTION crawl_purge(id bigint, n integer) RETURNS boolean LANGUAGE plpgsql SET lock_timeout = '50ms' AS $$
DECLARE
    c crawl;
    pages bigint[];
    texts uuid[];
BEGIN
    PERFORM pg_advisory_xact_lock(72747282);
    SELECT * INTO c FROM crawl WHERE crawl.id = crawl_purge.id AND purge_at IS NOT NULL FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    pages := ARRAY(SELECT p.id FROM page p WHERE p.crawl_id = c.id LIMIT n);
    DELETE FROM attempt WHERE page_id = ANY(pages);
    WITH gone AS (DELETE FROM page p WHERE p.id = ANY(pages) RETURNING p.*),
    kept AS (
        UPDATE crawl k SET admitted = k.admitted - g.pages, stored = k.stored - g.stored, skipped = k.skipped - g.skipped, errors = k.errors - g.errors, cancelled = k.cancelled - g.cancelled,
            places = k.places - g.places, added = k.added - g.added, changed = k.changed - g.changed, unchanged = k.unchanged - g.unchanged, gone = k.gone - g.gone, failed = k.failed - g.failed
        FROM (SELECT count(*) AS pages, count(*) FILTER (WHERE state = 'stored') AS stored, count(*) FILTER (WHERE state = 'skipped') AS skipped,
                     count(*) FILTER (WHERE state = 'error') AS errors, count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
                     count(*) FILTER (WHERE has_place) AS places, count(*) FILTER (WHERE news = 'added') AS added,
                     count(*) FILTER (WHERE news = 'changed') AS changed, count(*) FILTER (WHERE news = 'unchanged') AS unchanged,
                     count(*) FILTER (WHERE news = 'gone') AS gone, count(*) FILTER (WHERE news = 'failed') AS failed FROM gone) g
        WHERE k.id = c.id
    )
    SELECT array_agg(DISTINCT content_hash) INTO texts FROM gone WHERE content_hash IS NOT NULL;
    -- A text that a model is being asked about has its page still to come.
    DELETE FROM article a WHERE a.content_hash = ANY(texts) AND NOT EXISTS (SELECT FROM page p WHERE p.content_hash = a.content_hash)
        AND NOT EXISTS (SELECT FROM awaited w WHERE w.content_hash = a.content_hash)
        AND NOT EXISTS (SELECT FROM summary s WHERE s.content_hash = a.content_hash AND s.text IS NULL AND s.lease_until > now());
    -- What is to be summarised again goes on with another page that has the text, if there is one.
    UPDATE resummary r SET page_id = (SELECT min(p.id) FROM page p WHERE p.content_hash = r.content_hash)
    WHERE r.content_hash = ANY(texts) AND r.page_id = ANY(pages) AND EXISTS (SELECT FROM page p WHERE p.content_hash = r.content_hash);
    DELETE FROM resummary r WHERE r.content_hash = ANY(texts) AND r.page_id = ANY(pages);
    IF cardinality(pages) < n THEN
        DELETE FROM crawl_now WHERE crawl_id = c.id;
        DELETE FROM budget WHERE scope = 'crawl ' || c.id; -- llm_call stays: it was paid
        DELETE FROM crawl WHERE crawl.id = c.id;
        RETURN false;
    END IF;
    RETURN true;
END $$;

-- ---- search ----

-- The words of each article, with those of title and summary, which weigh more. Made by the leading writer when the line leaves time.
CREATE TABLE article_search (
    content_hash uuid PRIMARY KEY REFERENCES article ON DELETE CASCADE,
    config       regconfig NOT NULL,
    words        tsvector NOT NULL
);
CREATE INDEX article_search_words ON article_search USING gin (words);

-- The configurations that some article has.
CREATE TABLE search_config (
    config regconfig PRIMARY KEY
);

-- How PostgreSQL reads a language (BCP 47); `simple`: it has no stems for it.
CREATE FUNCTION search_config_of(lang text) RETURNS regconfig LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce((SELECT c FROM (VALUES
        ('ar', 'pg_catalog.arabic'::regconfig), ('ca', 'pg_catalog.catalan'), ('da', 'pg_catalog.danish'), ('de', 'pg_catalog.german'),
        ('el', 'pg_catalog.greek'), ('en', 'pg_catalog.english'), ('es', 'pg_catalog.spanish'), ('eu', 'pg_catalog.basque'),
        ('fi', 'pg_catalog.finnish'), ('fr', 'pg_catalog.french'), ('ga', 'pg_catalog.irish'), ('hi', 'pg_catalog.hindi'),
        ('hu', 'pg_catalog.hungarian'), ('hy', 'pg_catalog.armenian'), ('id', 'pg_catalog.indonesian'), ('it', 'pg_catalog.italian'),
        ('lt', 'pg_catalog.lithuanian'), ('nb', 'pg_catalog.norwegian'), ('ne', 'pg_catalog.nepali'), ('nl', 'pg_catalog.dutch'),
        ('nn', 'pg_catalog.norwegian'), ('no', 'pg_catalog.norwegian'), ('pt', 'pg_catalog.portuguese'), ('ro', 'pg_catalog.romanian'),
        ('ru', 'pg_catalog.russian'), ('sr', 'pg_catalog.serbian'), ('sv', 'pg_catalog.swedish'), ('ta', 'pg_catalog.tamil'),
        ('tr', 'pg_catalog.turkish'), ('yi', 'pg_catalog.yiddish')) AS x (code, c)
        WHERE code = split_part(lower(lang), '-', 1)), 'pg_catalog.simple')
$$;

-- Looks at the next n ends of pages of one crawl that the search has not seen. Answers how many texts it took in; null: nothing is
-- left. Only whoever leads may call it, in a transaction of its own. Errors: lock_not_available.
CREATE FUNCTION search_take(n integer) RETURNS integer LANGUAGE plpgsql SET lock_timeout = '200ms' AS $$
DECLARE
    c crawl;
    upto bigint;
    took integer;
BEGIN
    SELECT * INTO c FROM crawl WHERE searched < event ORDER BY id LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    WITH p AS MATERIALIZED (
        SELECT event, state, content_hash, recipe_hash, title, lang FROM page
        WHERE (crawl_id, event) > (c.id, c.searched) AND (crawl_id, event) <= (c.id, c.event) AND event IS NOT NULL
        ORDER BY crawl_id, event LIMIT n),
    fresh AS (
        SELECT DISTINCT ON (p.content_hash) p.content_hash, p.title, search_config_of(p.lang) AS config, s.text AS summary, a.text
        FROM p JOIN article a ON a.content_hash = ANY(ARRAY[p.content_hash])
        LEFT JOIN summary s ON s.content_hash = ANY(ARRAY[p.content_hash]) AND s.recipe_hash = p.recipe_hash
        WHERE p.state = 'stored' AND NOT EXISTS (SELECT FROM article_search x WHERE x.content_hash = p.content_hash)),
    languages AS (INSERT INTO search_config SELECT DISTINCT config FROM fresh ON CONFLICT DO NOTHING),
    written AS (
        -- tsvector ends at 1 MiB; of a text of a book's length the beginning is found
        INSERT INTO article_search (content_hash, config, words)
        SELECT content_hash, config, setweight(to_tsvector(config, coalesce(left(title, 1000), '')), 'A')
            || setweight(to_tsvector(config, coalesce(left(summary, 10000), '')), 'B') || to_tsvector(config, left(text, 100000))
        FROM fresh ON CONFLICT DO NOTHING RETURNING 1)
    SELECT (SELECT count(*) FROM written), CASE WHEN (SELECT count(*) FROM p) < n THEN c.event ELSE (SELECT max(event) FROM p) END INTO took, upto;
    -- Last, so that nobody waits long for the lock on the crawl.
    UPDATE crawl SET searched = upto WHERE id = c.id;
    RETURN took;
END $$;

-- Ends of pages that the search has not seen yet.
CREATE FUNCTION search_waiting() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(event - searched), 0)::bigint FROM crawl WHERE searched < event
$$;

-- Pages whose text, title or summary has the words, best first; each text once, with its newest page. `q` is read as a search engine
-- does: quotes, or, -not (websearch_to_tsquery), in the language of each text. Of a query that finds more than 5,000 texts of one language, 5,000 are
-- ranked. snippet has U+0002 and U+0003 around the words that were found. Errors: none; nonsense finds nothing.
CREATE FUNCTION search(q text, crawl bigint DEFAULT NULL, lim integer DEFAULT 20, skip integer DEFAULT 0)
RETURNS TABLE (page_id bigint, crawl_id bigint, url text, title text, lang text, snippet text, rank real) LANGUAGE sql STABLE AS $$
    WITH asked AS MATERIALIZED (SELECT config, websearch_to_tsquery(config, left(q, 1000)) AS query FROM search_config),
    found AS (
        SELECT a.config, a.query, s.content_hash, s.words
        FROM asked a CROSS JOIN LATERAL (
            SELECT x.content_hash, x.words FROM article_search x
            WHERE x.words @@ a.query AND x.config = a.config
              AND EXISTS (SELECT FROM page p WHERE p.content_hash = x.content_hash AND (search.crawl IS NULL OR p.crawl_id = search.crawl))
            LIMIT 5000) s),
    best AS (
        SELECT config, query, content_hash, ts_rank(words, query, 1) AS rank FROM found
        ORDER BY 4 DESC, content_hash LIMIT least(greatest(lim, 0), 100) OFFSET least(greatest(skip, 0), 5000))
    SELECT p.id, p.crawl_id, p.url, p.title, p.lang,
        ts_headline(b.config, left(a.text, 20000), b.query, E'MaxFragments=2, MinWords=8, MaxWords=24, FragmentDelimiter=" … ", StartSel="\x02", StopSel="\x03"'),
        b.rank
    FROM best b JOIN article a ON a.content_hash = b.content_hash
    CROSS JOIN LATERAL (SELECT * FROM page WHERE page.content_hash = b.content_hash AND (search.crawl IS NULL OR page.crawl_id = search.crawl)
                        ORDER BY page.id DESC LIMIT 1) p
    ORDER BY b.rank DESC, b.content_hash
$$;

-- ---- the books ----

ALTER VIEW ledger_check RENAME TO ledger_check_control;
CREATE VIEW ledger_check AS
SELECT * FROM ledger_check_control
UNION ALL
SELECT p.crawl_id, p.id, 'number of an end', c.event::text, coalesce(p.event::text, 'none')
FROM page p JOIN crawl c ON c.id = p.crawl_id
WHERE p.state NOT IN ('registered', 'scheduled') AND (p.event IS NULL OR p.event > c.event)
UNION ALL
SELECT e.crawl_id, NULL, 'number of a change', c.event::text, e.event::text
FROM crawl_event e JOIN crawl c ON c.id = e.crawl_id
WHERE e.event > c.event OR EXISTS (SELECT FROM page p WHERE p.crawl_id = e.crawl_id AND p.event = e.event);
