-- Where pages come from besides seeds and links; docs/ARCHITECTURE.md, "Where pages come from".

ALTER TABLE crawl ADD COLUMN sitemap text NOT NULL DEFAULT 'skip' CHECK (sitemap IN ('skip', 'include', 'only'));
ALTER TABLE crawl ADD COLUMN feeds boolean NOT NULL DEFAULT false;

-- True once the sitemaps that this host's robots.txt names are pages of the crawl; means something only where it wants them.
ALTER TABLE crawl_host ADD COLUMN sitemaps_read boolean NOT NULL DEFAULT false;

-- How many steps at one depth led here (the next part of a list, a feed, a sitemap of an index). The least, for the least depth.
ALTER TABLE page ADD COLUMN part smallint NOT NULL DEFAULT 0;

ALTER TABLE refused DROP CONSTRAINT refused_rule_check;
ALTER TABLE refused ADD CONSTRAINT refused_rule_check CHECK (rule IN ('sitemap', 'depth', 'url', 'scope', 'prefix', 'url_length', 'path_repeat',
    'parameters', 'preset', 'exclude', 'include', 'mask_limit', 'limit', 'per_host', 'calendar'));

-- How a page was found first; writer/found.h. Null: before there was this column.
CREATE TYPE page_source AS ENUM ('seed', 'redirect', 'link', 'feed', 'sitemap', 'next');
ALTER TABLE page ADD COLUMN source page_source;
-- The latest change of the page, as a sitemap (lastmod) or feed says. For people: nothing is decided by it.
ALTER TABLE page ADD COLUMN listed_at timestamptz;

CREATE FUNCTION page_by(parent_id bigint, hops smallint, source page_source) RETURNS page_source LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(source, CASE WHEN parent_id IS NULL THEN 'seed' WHEN hops > 0 THEN 'redirect' ELSE 'link' END::page_source)
$$;

-- As in 005_control.sql, but for how each step was found. A way need not begin with a seed: robots.txt names sitemaps.
CREATE OR REPLACE FUNCTION page_way(p page) RETURNS jsonb LANGUAGE sql STABLE AS $$
    WITH RECURSIVE way AS (
        SELECT p.id, p.url, p.depth, p.hops, p.parent_id, p.source, 1 AS step
        UNION ALL
        SELECT q.id, q.url, q.depth, q.hops, q.parent_id, q.source, way.step + 1
        FROM way JOIN page q ON q.id = way.parent_id
        WHERE way.step < 1000
    ) CYCLE id SET again USING seen
    SELECT jsonb_agg(jsonb_build_object('page', id::text, 'url', url, 'depth', depth, 'by', page_by(parent_id, hops, source)) ORDER BY step DESC)
    FROM way WHERE NOT again
$$;

CREATE OR REPLACE FUNCTION page_answer(p page, c crawl) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('page', p.id::text, 'crawl', c.id::text, 'url', p.url, 'state', p.state, 'code', p.code, 'detail', p.detail,
        'status', p.status, 'bytes', p.bytes, 'depth', p.depth,
        'admitted', jsonb_build_object('at', p.registered_at, 'by', b.source, 'rule', CASE b.source
            WHEN 'seed' THEN 'seed: somebody asked for it'
            WHEN 'redirect' THEN 'redirect: in the place of its source, depth ' || p.depth
            WHEN 'next' THEN 'next: the next part of a list, depth ' || p.depth || ' of ' || c.max_depth || ', scope ' || c.scope
            WHEN 'feed' THEN 'feed: a page announces it, or it is in a feed; depth ' || p.depth || ' of ' || c.max_depth || ', scope ' || c.scope
            WHEN 'sitemap' THEN 'sitemap: robots.txt or a sitemap names it; depth ' || p.depth || ' of ' || c.max_depth || ', scope ' || c.scope
            ELSE 'link: depth ' || p.depth || ' of ' || c.max_depth || ', scope ' || c.scope END, 'way', page_way(p)),
        'redirects_to', (SELECT url FROM page t WHERE t.id = p.redirect_id),
        'times', jsonb_build_object('registered', p.registered_at, 'scheduled', p.scheduled_at, 'taken', p.taken_at, 'fetched', p.fetched_at,
            'parsed', p.parsed_at, 'calculated', p.calculated_at, 'ended', p.ended_at),
        'listed_at', p.listed_at, 'news', p.news, 'gone_at', p.gone_at, 'attempts', page_attempts(p.id), 'waits', page_waits(p))
    FROM (SELECT page_by(p.parent_id, p.hops, p.source) AS source) b
$$;

-- As in 005_control.sql, but with each rule under its own name, as the table refused has them. What only the writer can say, by
-- compiled masks, guards, the preset and the public suffix list, is unknown here: `writer --explain URL CRAWL` has the answer.
CREATE OR REPLACE FUNCTION url_rules(url text, c crawl) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
    host text := url_host(url);
    this text := regexp_replace(host, ':\d+$', ''); -- without its port
    inside boolean;
    said jsonb := '[]';
BEGIN
    IF url IS NULL OR octet_length(url) > 2048 THEN
        RETURN jsonb_build_array(jsonb_build_object('rule', 'url', 'says', 'refuses', 'why', 'neither http nor https, or too long'));
    END IF;
    IF c.sitemap = 'only' THEN
        said := said || jsonb_build_object('rule', 'sitemap', 'says', 'unknown', 'why', 'only what sitemaps name; what they name is not kept');
    END IF;
    said := said || jsonb_build_object('rule', 'depth', 'says', CASE WHEN c.max_depth = 0 THEN 'refuses' ELSE 'unknown' END,
        'why', 'depth ' || c.max_depth || CASE WHEN c.max_depth = 0 THEN ': no link is followed' ELSE ': which pages link to it is not kept' END);
    SELECT bool_or(CASE WHEN s.name = host THEN true WHEN c.scope = 'host' THEN false
                        WHEN this = s.bare OR right(this, length(s.bare) + 1) = '.' || s.bare THEN true
                        WHEN c.scope = 'subdomains' THEN false END)
    INTO inside
    FROM (SELECT ch.name, regexp_replace(ch.name, ':\d+$', '') AS bare FROM crawl_host ch WHERE ch.crawl_id = c.id) s;
    inside := c.scope = 'any' OR inside;
    said := said || jsonb_build_object('rule', 'scope', 'says', CASE WHEN inside THEN 'admits' WHEN NOT inside THEN 'refuses' ELSE 'unknown' END,
        'why', 'scope ' || c.scope || CASE WHEN inside IS NULL THEN ': whether the hosts share a registrable domain is not known here' ELSE '' END);
    IF c.rules ? 'prefix' THEN
        said := said || jsonb_build_object('rule', 'prefix', 'why', c.rules->>'prefix',
            'says', CASE WHEN starts_with(regexp_replace(url, '^[^:]+://[^/]+', ''), c.rules->>'prefix') THEN 'admits' ELSE 'refuses' END);
    END IF;
    said := said || coalesce((
        SELECT jsonb_agg(jsonb_build_object('rule', r.name, 'says', 'unknown', 'why', coalesce(c.rules->r.field, to_jsonb('a guard against traps'::text)))
                         ORDER BY r.o)
        FROM (VALUES (1, 'url_length', 'guards'), (2, 'path_repeat', 'guards'), (3, 'parameters', 'guards'), (4, 'preset', 'preset'),
                     (5, 'exclude', 'exclude'), (6, 'include', 'include'), (7, 'calendar', 'guards')) AS r (o, name, field)
        WHERE CASE r.field WHEN 'guards' THEN c.rules->'guards' IS DISTINCT FROM 'false' ELSE c.rules ? r.field END), '[]');
    IF c.max_pages IS NOT NULL THEN
        said := said || jsonb_build_object('rule', 'limit', 'says', CASE WHEN c.kept >= c.max_pages THEN 'refuses' ELSE 'admits' END,
            'why', c.kept || ' of ' || c.max_pages);
    END IF;
    IF c.rules ? 'per_host' THEN
        SELECT said || jsonb_build_object('rule', 'per_host', 'says', CASE WHEN n >= (c.rules->>'per_host')::bigint THEN 'refuses' ELSE 'admits' END,
            'why', n || ' of ' || (c.rules->>'per_host'))
        INTO said
        FROM (SELECT coalesce(sum(q.pages), 0) AS n FROM quota q WHERE q.crawl_id = c.id AND q.rule = 'per_host' AND q.name = host) q;
    END IF;
    IF c.state <> 'running' OR c.cancel_at IS NOT NULL THEN
        said := said || jsonb_build_object('rule', 'state', 'says', 'refuses', 'why', crawl_answer(c) ->> 'state');
    END IF;
    RETURN said;
END $$;
