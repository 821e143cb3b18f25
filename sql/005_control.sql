-- Pause, resume, cancel, retry, explain: functions for whoever may log in to the database (a gateway, psql). They keep the lock order of
-- all transactions (crawl rows by id, then host rows by id, then the rest), so they may run beside any number of writers.

-- A running crawl can be held, or be on its way to the state `cancelled`; one that has ended is neither held nor under way.
ALTER TABLE crawl ADD COLUMN paused_at timestamptz; -- nothing is released since then
ALTER TABLE crawl ADD COLUMN cancel_at timestamptz; -- asked for: what waits ends in batches, what is in flight comes home

-- ledger_check as it was, and the state of control.
ALTER VIEW ledger_check RENAME TO ledger_check_runs;
CREATE VIEW ledger_check AS
SELECT * FROM ledger_check_runs
UNION ALL
SELECT c.id, NULL, 'control of the crawl', c.state::text,
       'paused ' || (c.paused_at IS NOT NULL) || ', cancel ' || (c.cancel_at IS NOT NULL) || ', registers ' || (c.again_after IS NOT NULL)
FROM crawl c
WHERE NOT CASE c.state
    WHEN 'running' THEN c.cancel_at IS NULL OR (c.paused_at IS NULL AND c.again_after IS NULL AND NOT c.is_inbox)
    WHEN 'completed' THEN c.paused_at IS NULL AND c.cancel_at IS NULL
    ELSE c.paused_at IS NULL AND c.cancel_at IS NOT NULL
END;

-- A crawl as the functions below answer: ids are strings, state is one of running, paused, cancelling, completed, cancelled.
CREATE FUNCTION crawl_answer(c crawl) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('crawl', c.id::text, 'state',
        CASE WHEN c.state <> 'running' THEN c.state::text WHEN c.cancel_at IS NOT NULL THEN 'cancelling'
             WHEN c.paused_at IS NOT NULL THEN 'paused' ELSE 'running' END,
        'waiting', c.registered, 'in_flight', c.scheduled, 'stored', c.stored, 'skipped', c.skipped, 'errors', c.errors,
        'cancelled', c.cancelled)
$$;

-- The locked row. Errors: no_data_found for an unknown id.
CREATE FUNCTION crawl_lock(id bigint) RETURNS crawl LANGUAGE plpgsql AS $$
DECLARE
    c crawl;
BEGIN
    SELECT * INTO c FROM crawl WHERE crawl.id = crawl_lock.id FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no crawl %', coalesce(id::text, 'without an id') USING ERRCODE = 'no_data_found';
    END IF;
    RETURN c;
END $$;

-- The same of a crawl that has not ended and is not about to. Errors: object_not_in_prerequisite_state.
CREATE FUNCTION crawl_lock_running(id bigint) RETURNS crawl LANGUAGE plpgsql AS $$
DECLARE
    c crawl := crawl_lock(id);
BEGIN
    IF c.state <> 'running' THEN
        RAISE EXCEPTION 'crawl % is %', id, c.state USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF c.cancel_at IS NOT NULL THEN
        RAISE EXCEPTION 'crawl % is being cancelled', id USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN c;
END $$;

-- No page is released once this has been committed; what is in flight comes home, its links are admitted and wait. Pausing a paused
-- crawl changes nothing.
CREATE FUNCTION crawl_pause(id bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    c crawl := crawl_lock_running(id);
BEGIN
    UPDATE crawl SET paused_at = coalesce(paused_at, now()) WHERE crawl.id = c.id RETURNING * INTO c;
    RETURN crawl_answer(c);
END $$;

-- Goes on where crawl_pause stopped. Resuming a running crawl changes nothing.
CREATE FUNCTION crawl_resume(id bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    c crawl := crawl_lock_running(id);
    hosts bigint[];
BEGIN
    IF c.paused_at IS NULL THEN
        RETURN crawl_answer(c);
    END IF;
    UPDATE crawl SET paused_at = NULL WHERE crawl.id = c.id RETURNING * INTO c;
    -- The release has parked the hosts that had nothing else. All are locked: one that is about to be parked is not parked yet.
    hosts := ARRAY(SELECT DISTINCT host_id FROM frontier WHERE crawl_id = c.id);
    PERFORM FROM host WHERE host.id = ANY(hosts) ORDER BY host.id FOR UPDATE;
    UPDATE host SET next_at = greatest(free_at, now()) WHERE host.id = ANY(hosts) AND next_at = 'infinity';
    NOTIFY gistmill;
    RETURN crawl_answer(c);
END $$;

-- Ends a crawl for good: waiting pages end as CANCELLED, in batches, by the leading writer; of what is in flight articles are stored
-- and everything else ends as CANCELLED; no link is admitted. The crawl is `cancelled` when no page is open. A run that has pages of
-- before left to register leaves them as they are. Cancelling again changes nothing.
CREATE FUNCTION crawl_cancel(id bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    c crawl := crawl_lock(id);
BEGIN
    IF c.is_inbox THEN
        RAISE EXCEPTION 'the inbox cannot be cancelled' USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF c.cancel_at IS NOT NULL THEN
        RETURN crawl_answer(c);
    END IF;
    c := crawl_lock_running(id);
    -- Without an open page (more were about to be registered) nobody else would end it.
    UPDATE crawl SET cancel_at = now(), paused_at = NULL, again_after = NULL,
        state = CASE WHEN open = 0 THEN 'cancelled' ELSE state END, finished_at = CASE WHEN open = 0 THEN now() END
    WHERE crawl.id = c.id RETURNING * INTO c;
    NOTIFY gistmill;
    RETURN crawl_answer(c);
END $$;

-- Pages that ended in error, all or those with one code, are registered again as if they had never been tried; a crawl that has
-- ended goes on, in the same run. They take a place in the limit when they are released, as any page. Their news are taken back: what
-- was gone is as it was before, for the comparison with what is found now. Pages that a new run has yet to register are left to it.
-- The answer has their number as `retried`; if it is 0, nothing has changed.
CREATE FUNCTION crawl_retry(id bigint, code text DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    c crawl := crawl_lock(id);
    pages bigint[];
    were_gone bigint;
    had_failed bigint;
BEGIN
    IF c.state = 'running' AND c.cancel_at IS NOT NULL THEN
        RAISE EXCEPTION 'crawl % is being cancelled', id USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    SELECT array_agg(p.id ORDER BY p.id), count(*) FILTER (WHERE p.news = 'gone'), count(*) FILTER (WHERE p.news = 'failed')
    INTO pages, were_gone, had_failed
    FROM page p
    WHERE p.crawl_id = c.id AND p.state = 'error' AND (crawl_retry.code IS NULL OR p.code = crawl_retry.code)
      AND (c.again_after IS NULL OR p.ended_at >= c.started_at);
    IF pages IS NULL THEN
        RETURN crawl_answer(c) || jsonb_build_object('retried', 0);
    END IF;
    PERFORM FROM host WHERE host.id = ANY(ARRAY(SELECT DISTINCT host_id FROM page p WHERE p.id = ANY(pages))) ORDER BY host.id FOR UPDATE;
    -- From release 1 on, what other crawls remember does not count: it is really asked for (writer/release.c).
    UPDATE page p SET state = 'registered', code = NULL, detail = NULL, release = greatest(release, 1), void_release = greatest(release, 1),
        failures = 0, losses = 0, returns = 0, last_hash = content_hash, news = NULL, gone_at = CASE WHEN p.news = 'gone' THEN NULL ELSE gone_at END,
        registered_at = now(), ended_at = NULL
    WHERE p.id = ANY(pages);
    INSERT INTO frontier (host_id, crawl_id, priority, depth, page_id)
    SELECT p.host_id, p.crawl_id, c.priority, p.depth, p.id FROM page p WHERE p.id = ANY(pages);
    UPDATE host SET next_at = greatest(free_at, now())
    WHERE host.id = ANY(ARRAY(SELECT DISTINCT host_id FROM page p WHERE p.id = ANY(pages))) AND next_at = 'infinity';
    UPDATE crawl SET state = 'running', finished_at = NULL, cancel_at = NULL, registered = registered + cardinality(pages),
        open = open + cardinality(pages), errors = errors - cardinality(pages), gone = gone - were_gone,
        failed = failed - had_failed
    WHERE crawl.id = c.id RETURNING * INTO c;
    NOTIFY gistmill;
    RETURN crawl_answer(c) || jsonb_build_object('retried', cardinality(pages));
END $$;

-- A URL in its canonical form, as far as SQL can bring it there (common/line/url.h has the whole): blanks, credentials, fragment,
-- case of scheme and host, default port, empty path. NULL: not http or https.
CREATE FUNCTION url_rough(url text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT lower(m[1]) || '://' || regexp_replace(lower(m[2]), CASE lower(m[1]) WHEN 'https' THEN ':(443)?$' ELSE ':(80)?$' END, '')
        || CASE WHEN m[3] LIKE '/%' THEN m[3] ELSE '/' || m[3] END
    FROM regexp_match(regexp_replace(btrim(url, E' \t\r\n'), '#.*$', ''), '^(https?)://(?:[^/?@]*@)?([^/?]+)(.*)$', 'i') AS m
$$;

-- Name and port of a canonical URL's host: an entry of the table host.
CREATE FUNCTION url_host(url text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT substring(url FROM '^https?://([^/?]+)')
$$;

-- What stands in the way of a page that is open, and until when if that is known. The windows of the writer (pages in flight,
-- tickets a host) are its configuration, which SQL does not see: then the answer is `turn`.
CREATE FUNCTION page_waits(p page) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN p.state NOT IN ('registered', 'scheduled') THEN NULL
        WHEN p.state = 'scheduled' AND t.page_id IS NOT NULL THEN
            jsonb_build_object('for', 'fetch', 'why', 'its ticket is out', 'until', t.deadline)
        WHEN p.state = 'scheduled' THEN
            jsonb_build_object('for', 'result', 'why', 'fetched; parser, summarizer and writer come next', 'since', p.fetched_at)
        WHEN c.cancel_at IS NOT NULL THEN
            jsonb_build_object('for', 'end', 'why', 'the crawl is being cancelled', 'since', c.cancel_at)
        WHEN c.paused_at IS NOT NULL THEN
            jsonb_build_object('for', 'resume', 'why', 'the crawl is paused', 'since', c.paused_at, 'until', d.due_at)
        WHEN d.page_id IS NOT NULL THEN
            jsonb_build_object('for', 'retry', 'why', 'the last try failed: ' || coalesce(p.code, '?'), 'until', d.due_at)
        WHEN c.kept >= c.max_pages OR (NOT p.has_place AND c.begun >= 10 * c.max_pages) THEN
            jsonb_build_object('for', 'end', 'why', 'the limit of the crawl is reached')
        WHEN NOT p.has_place AND c.places >= c.max_pages THEN
            jsonb_build_object('for', 'limit', 'why', 'other pages hold all places of the crawl''s limit')
        WHEN r.page_id IS NOT NULL THEN
            jsonb_build_object('for', 'robots', 'why', 'robots.txt of the host is being asked for', 'until', r.deadline)
        WHEN h.free_at > now() THEN
            jsonb_build_object('for', 'host', 'why', 'the pause between two requests to the host', 'until', h.free_at)
        WHEN h.robots_state = 0 OR h.robots_until <= now() THEN
            jsonb_build_object('for', 'robots', 'why', 'robots.txt of the host is not known or out of date; it is asked for first')
        WHEN h.out > 0 THEN
            jsonb_build_object('for', 'host', 'why', 'requests to the host are under way: ' || h.out)
        ELSE
            jsonb_build_object('for', 'turn', 'why', 'other pages are first: the window of pages in flight, or the order of the crawl',
                'in_flight', (SELECT sum(scheduled) FROM crawl WHERE open > 0), 'until', nullif(h.next_at, 'infinity'))
    END
    FROM crawl c
    JOIN host h ON h.id = p.host_id
    LEFT JOIN delayed d ON d.page_id = p.id
    LEFT JOIN ticket t ON t.page_id = p.id AND t.host_id = p.host_id AND t.release = p.release
    LEFT JOIN LATERAL (SELECT * FROM ticket WHERE page_id = 0 AND host_id = p.host_id LIMIT 1) r ON true
    WHERE c.id = p.crawl_id
$$;

-- The way from the seed to a page: each step was found on the one before. At most 1,000 steps, the nearest.
CREATE FUNCTION page_way(p page) RETURNS jsonb LANGUAGE sql STABLE AS $$
    WITH RECURSIVE way AS (
        SELECT p.id, p.url, p.depth, p.hops, p.parent_id, 1 AS step
        UNION ALL
        SELECT q.id, q.url, q.depth, q.hops, q.parent_id, way.step + 1
        FROM way JOIN page q ON q.id = way.parent_id
        WHERE way.step < 1000
    ) CYCLE id SET again USING seen
    SELECT jsonb_agg(jsonb_build_object('page', id::text, 'url', url, 'depth', depth,
        'by', CASE WHEN parent_id IS NULL THEN 'seed' WHEN hops > 0 THEN 'redirect' ELSE 'link' END) ORDER BY step DESC)
    FROM way WHERE NOT again
$$;

CREATE FUNCTION page_attempts(page_id bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('at', at, 'release', release, 'code', code, 'detail', detail, 'status', status,
        'bytes', bytes, 'ms', ms) ORDER BY at, release), '[]')
    FROM attempt a WHERE a.page_id = page_attempts.page_id
$$;

CREATE FUNCTION page_answer(p page, c crawl) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('page', p.id::text, 'crawl', c.id::text, 'url', p.url, 'state', p.state, 'code', p.code, 'detail', p.detail,
        'status', p.status, 'bytes', p.bytes, 'depth', p.depth,
        'admitted', jsonb_build_object('at', p.registered_at, 'rule', CASE
            WHEN p.parent_id IS NULL THEN 'seed: somebody asked for it'
            WHEN p.hops > 0 THEN 'redirect: in the place of its source, depth ' || p.depth
            ELSE 'link: depth ' || p.depth || ' of ' || c.max_depth || ', scope ' || c.scope END, 'way', page_way(p)),
        'redirects_to', (SELECT url FROM page t WHERE t.id = p.redirect_id),
        'times', jsonb_build_object('registered', p.registered_at, 'scheduled', p.scheduled_at, 'taken', p.taken_at, 'fetched', p.fetched_at,
            'parsed', p.parsed_at, 'calculated', p.calculated_at, 'ended', p.ended_at),
        'news', p.news, 'gone_at', p.gone_at, 'attempts', page_attempts(p.id), 'waits', page_waits(p))
$$;

-- What a crawl would say to a URL that is no page of it, rule by rule: refuses, admits or unknown. What SQL cannot decide (the
-- public suffix list, masks, the depth of a link nobody has kept) is unknown.
CREATE FUNCTION url_rules(url text, c crawl) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    host text := url_host(url);
    this text := regexp_replace(host, ':\d+$', ''); -- without its port
    rules jsonb := to_jsonb(c) -> 'rules'; -- of crawls that have masks and the like
    inside boolean;
    said jsonb := '[]';
BEGIN
    IF url IS NULL OR octet_length(url) > 2048 THEN
        RETURN jsonb_build_array(jsonb_build_object('rule', 'url', 'says', 'refuses', 'why', 'neither http nor https, or too long'));
    END IF;
    SELECT bool_or(CASE WHEN s.name = host THEN true WHEN c.scope = 'host' THEN false
                        WHEN this = s.bare OR right(this, length(s.bare) + 1) = '.' || s.bare THEN true
                        WHEN c.scope = 'subdomains' THEN false END)
    INTO inside
    FROM (SELECT ch.name, regexp_replace(ch.name, ':\d+$', '') AS bare FROM crawl_host ch WHERE ch.crawl_id = c.id) s;
    inside := c.scope = 'any' OR inside;
    said := said || jsonb_build_object('rule', 'scope', 'says', CASE WHEN inside THEN 'admits' WHEN NOT inside THEN 'refuses' ELSE 'unknown' END,
        'why', 'scope ' || c.scope || CASE WHEN inside IS NULL THEN ': whether the hosts share a registrable domain is not known here' ELSE '' END);
    said := said || jsonb_build_object('rule', 'depth', 'says', CASE WHEN c.max_depth = 0 THEN 'refuses' ELSE 'unknown' END,
        'why', 'depth ' || c.max_depth || CASE WHEN c.max_depth = 0 THEN ': no link is followed' ELSE ': which pages link to it is not kept' END);
    IF c.max_pages IS NOT NULL THEN
        said := said || jsonb_build_object('rule', 'limit', 'says', CASE WHEN c.kept >= c.max_pages THEN 'refuses' ELSE 'admits' END,
            'why', c.kept || ' of ' || c.max_pages);
    END IF;
    IF rules IS NOT NULL AND rules <> '{}' THEN
        said := said || jsonb_build_object('rule', 'masks', 'says', 'unknown', 'why', rules);
    END IF;
    IF c.state <> 'running' OR c.cancel_at IS NOT NULL THEN
        said := said || jsonb_build_object('rule', 'state', 'says', 'refuses', 'why', crawl_answer(c) ->> 'state');
    END IF;
    RETURN said;
END $$;

-- All that is known of a URL, in one crawl or in all: pages (who found it, each attempt, what it waits for), and for each crawl that
-- was asked about or has refused it: counts of refusals by rule, with `sampled` where this URL is among the samples, and the rules as
-- they are now. The URL is taken as it is and in its rough canonical form; `exact` says that it is known by one of them.
-- Errors: no_data_found for an unknown crawl.
CREATE FUNCTION page_explain(url text, crawl bigint DEFAULT NULL) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    rough text := url_rough(url);
    forms text[] := ARRAY[url] || rough;
    hashes uuid[] := ARRAY(SELECT encode(substr(sha256(convert_to(f, 'UTF8')), 1, 16), 'hex')::uuid FROM unnest(forms) f WHERE f IS NOT NULL);
    pages jsonb;
    others jsonb;
    known text;
BEGIN
    IF crawl IS NOT NULL AND NOT EXISTS (SELECT FROM crawl c WHERE c.id = page_explain.crawl) THEN
        RAISE EXCEPTION 'there is no crawl %', crawl USING ERRCODE = 'no_data_found';
    END IF;
    SELECT jsonb_agg(page_answer(p, c) ORDER BY p.id DESC), min(p.url)
    INTO pages, known
    FROM crawl c CROSS JOIN LATERAL (SELECT * FROM page WHERE crawl_id = c.id AND url_hash = ANY(hashes)) p
    WHERE page_explain.crawl IS NULL OR c.id = page_explain.crawl;
    SELECT jsonb_agg(jsonb_build_object('crawl', c.id::text, 'refused', coalesce(r.rules, '[]'), 'now', url_rules(rough, c)) ORDER BY c.id DESC),
           coalesce(known, min(r.form))
    INTO others, known
    FROM crawl c
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('rule', f.rule, 'count', f.count, 'sampled', f.sample && forms) ORDER BY f.rule) AS rules,
               bool_or(f.sample && forms) AS sampled, min(s.form) AS form
        FROM refused f LEFT JOIN LATERAL (SELECT form FROM unnest(forms) form WHERE form = ANY(f.sample) LIMIT 1) s ON true
        WHERE f.crawl_id = c.id) r ON true
    WHERE NOT c.is_inbox AND (r.sampled OR c.id = page_explain.crawl)
      AND NOT EXISTS (SELECT FROM page p WHERE p.crawl_id = c.id AND p.url_hash = ANY(hashes));
    RETURN jsonb_build_object('url', url, 'canonical', coalesce(known, rough), 'exact', known IS NOT NULL,
        'host', (SELECT jsonb_build_object('name', h.name, 'requests', h.out, 'free_at', nullif(h.free_at, '-infinity'),
                     'crawl_delay_ms', h.crawl_delay_ms, 'robots_status', h.robots_status, 'robots_code', h.robots_code,
                     'robots_until', h.robots_until, 'failures', to_jsonb(h) -> 'failures', 'fault', to_jsonb(h) -> 'fault')
                 FROM host h WHERE h.name = url_host(coalesce(known, rough))),
        'pages', coalesce(pages, '[]'), 'not_admitted', coalesce(others, '[]'));
END $$;

-- The express lane: crawls of a priority below 0 are what a person waits for. Their pages have a window and queues of their own.
INSERT INTO crawl (request, is_inbox, seed, scope, max_depth, priority)
VALUES ('00000000-0000-0000-0000-000000000001', true, 'express inbox', 'any', 0, -1);
ALTER TABLE host ADD COLUMN express_row integer NOT NULL DEFAULT 0; -- requests in a row that were express: a host is not theirs alone
