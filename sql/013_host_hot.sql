-- A release changes rows of `host` and `page` in place, without an entry in any index, where the page of the table has room for the new
-- versions: rows that were made together are often released together. This holds for rows to come.
ALTER TABLE host SET (fillfactor = 50);
ALTER TABLE page SET (fillfactor = 50);

-- A host without a slot keeps its time (and `next_at` may be over while requests are under way) until a report sets it anew.
COMMENT ON COLUMN host.next_at IS 'when the release looks here again, if there is a slot; infinity: nothing waits';

-- As it was, but a host with requests under way does not count as one that is due.
CREATE OR REPLACE FUNCTION crawl_why(c crawl) RETURNS text LANGUAGE plpgsql STABLE AS $$
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
    SELECT x.* INTO h FROM (SELECT * FROM host WHERE next_at <> 'infinity' AND (out = 0 OR next_at > now()) ORDER BY next_at LIMIT 1000) x
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

