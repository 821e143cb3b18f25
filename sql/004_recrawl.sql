-- Recrawls: what a run found in comparison with the one before, and which pages are the same. docs/ARCHITECTURE.md, "Recrawl".

CREATE TYPE page_news AS ENUM ('added', 'changed', 'unchanged', 'gone', 'failed');

ALTER TABLE page
    ADD COLUMN news         page_news,    -- what the last run found here; the counters of the crawl count these
    ADD COLUMN gone_at      timestamptz,  -- it had a text, and the server has it no more; the text is kept
    ADD COLUMN simhash      bit(64),      -- fingerprint of its text: similar texts differ in few bits
    ADD COLUMN canonical_hash uuid;       -- url_hash of the page its rel=canonical names, if that is another one
CREATE INDEX page_canonical_hash ON page (canonical_hash) WHERE canonical_hash IS NOT NULL;
-- Permanent verdicts, found again by other crawls (REMEMBER_DAYS).
CREATE INDEX page_permanent ON page (url_hash)
    WHERE release > 0 AND code IN ('HTTP_4XX', 'UNSUPPORTED_TYPE', 'TOO_LARGE', 'POISON');

-- While a new run registers the pages it knows: the last one's place in the order of url_hash. Null: all are.
ALTER TABLE crawl ADD COLUMN again_after uuid;
-- Digests of the ids of the last 20 messages that began a run: one that is delivered a second time begins no other.
ALTER TABLE crawl ADD COLUMN messages uuid[] NOT NULL DEFAULT '{}';
CREATE INDEX crawl_again ON crawl (id) WHERE again_after IS NOT NULL;

-- Links outlive the crawl where the next run may be told that the page is as it was.
ALTER TABLE page_links ADD COLUMN lasting boolean NOT NULL DEFAULT false;
DROP INDEX page_links_crawl;
CREATE INDEX page_links_crawl ON page_links (crawl_id) WHERE NOT lasting;
DELETE FROM page_links l WHERE NOT EXISTS (SELECT FROM page p WHERE p.id = l.page_id);
ALTER TABLE page_links ADD FOREIGN KEY (page_id) REFERENCES page ON DELETE CASCADE;

-- Pages of before get their news from what is known of them.
UPDATE page SET news = (CASE
    WHEN state = 'stored' AND last_hash IS NULL THEN 'added'
    WHEN state = 'stored' AND last_hash = content_hash THEN 'unchanged'
    WHEN state = 'stored' THEN 'changed'
    WHEN status IN (404, 410) AND last_hash IS NOT NULL THEN 'gone'
    ELSE 'failed' END)::page_news
WHERE state IN ('stored', 'error');
UPDATE page SET gone_at = ended_at WHERE news = 'gone';
UPDATE crawl c SET (added, changed, unchanged, gone, failed) =
    (SELECT count(*) FILTER (WHERE news = 'added'), count(*) FILTER (WHERE news = 'changed'), count(*) FILTER (WHERE news = 'unchanged'),
            count(*) FILTER (WHERE news = 'gone'), count(*) FILTER (WHERE news = 'failed')
     FROM page p WHERE p.crawl_id = c.id);

-- Canonical links that are believed: the target does not point elsewhere itself, and has the same text, or nearly (3 of 64 bits:
-- Manku, Jain, Das Sarma, Detecting Near-Duplicates for Web Crawling, WWW 2007). A site whose pages all call the home page
-- canonical so joins nothing.
CREATE VIEW page_canonical AS
SELECT p.crawl_id, p.id AS page_id, t.id AS main_id, p.content_hash, p.canonical_hash, p.depth
FROM page p JOIN page t ON t.crawl_id = p.crawl_id AND t.url_hash = p.canonical_hash
WHERE p.content_hash IS NOT NULL AND t.canonical_hash IS NULL
  AND (t.content_hash = p.content_hash OR bit_count(t.simhash # p.simhash) <= 3);

-- Which pages of a crawl are the same: each page with a text, the one that stands for it (mostly itself), and why. That is what its
-- canonical link names, or that of a page with the same text; else the first page with the same text: one that others
-- call canonical, then the least deep one.
CREATE VIEW page_same AS
SELECT p.crawl_id, p.id AS page_id, p.url, m.id AS main_id, m.url AS main_url,
       CASE WHEN m.id = p.id THEN 'itself' WHEN own.main_id IS NOT NULL THEN 'canonical' ELSE 'content' END AS why
FROM page p
LEFT JOIN LATERAL (SELECT c.main_id FROM page_canonical c WHERE c.page_id = p.id) own ON true
LEFT JOIN LATERAL (SELECT c.main_id FROM page_canonical c WHERE c.content_hash = p.content_hash AND c.crawl_id = p.crawl_id
                   ORDER BY c.depth, c.page_id LIMIT 1) shared ON true
LEFT JOIN LATERAL (SELECT q.id FROM page q WHERE q.content_hash = p.content_hash AND q.crawl_id = p.crawl_id
                   ORDER BY NOT EXISTS (SELECT FROM page_canonical c WHERE c.crawl_id = q.crawl_id AND c.canonical_hash = q.url_hash), q.depth, q.id LIMIT 1) alike ON true
JOIN page m ON m.id = coalesce(own.main_id, shared.main_id, alike.id)
WHERE p.content_hash IS NOT NULL;

-- The books of the above, beside those of before.
CREATE VIEW ledger_check_recrawl AS
SELECT c.id AS crawl_id, NULL::bigint AS id, 'counter ' || x.name AS fault, x.kept::text AS kept, x.counted::text AS counted
FROM crawl c
LEFT JOIN (SELECT crawl_id, count(*) FILTER (WHERE news = 'added') AS added, count(*) FILTER (WHERE news = 'changed') AS changed,
                  count(*) FILTER (WHERE news = 'unchanged') AS unchanged, count(*) FILTER (WHERE news = 'gone') AS gone,
                  count(*) FILTER (WHERE news = 'failed') AS failed
           FROM page GROUP BY crawl_id) n ON n.crawl_id = c.id
CROSS JOIN LATERAL (VALUES ('added', c.added, n.added), ('changed', c.changed, n.changed), ('unchanged', c.unchanged, n.unchanged),
                           ('gone', c.gone, n.gone), ('failed', c.failed, n.failed)) AS x (name, kept, counted)
WHERE x.kept <> coalesce(x.counted, 0)
UNION ALL
SELECT p.crawl_id, p.id, 'news of an open page', p.news::text, p.state::text
FROM page p
WHERE p.news IS NOT NULL AND p.state IN ('registered', 'scheduled')
UNION ALL
SELECT c.id, NULL, 'registers pages of an ended crawl', c.again_after::text, c.state::text
FROM crawl c
WHERE c.again_after IS NOT NULL AND (c.state <> 'running' OR c.is_inbox)
UNION ALL
SELECT p.crawl_id, p.id, 'UNCHANGED without article or summary', p.content_hash::text, p.recipe_hash::text
FROM page p
WHERE p.code = 'UNCHANGED'
  AND NOT EXISTS (SELECT FROM summary s WHERE s.content_hash = p.content_hash AND s.recipe_hash = p.recipe_hash);
ALTER VIEW ledger_check RENAME TO ledger_check_pages;
CREATE VIEW ledger_check AS
SELECT * FROM ledger_check_pages l
WHERE NOT (fault = 'state of the crawl' AND EXISTS (SELECT FROM crawl c WHERE c.id = l.crawl_id AND c.state = 'running'
                                                    AND c.again_after IS NOT NULL)) -- it registers its pages: more will be open
UNION ALL
SELECT * FROM ledger_check_recrawl;
