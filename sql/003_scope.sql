-- Admission rules of a crawl beyond host and depth; docs/ARCHITECTURE.md, "Which links become pages".

-- What was asked for: prefix, include, exclude, match, preset, per_host, guards. Never changed once the crawl is there.
ALTER TABLE crawl ADD COLUMN rules jsonb NOT NULL DEFAULT '{}';

-- Pages that count against a bound, by rule: those of a host (per_host), those of one calendar (calendar). Changed only under the
-- lock of the crawl's row, by the transaction that admits.
CREATE TABLE quota (
    crawl_id bigint NOT NULL REFERENCES crawl ON DELETE CASCADE,
    rule     text NOT NULL CHECK (rule IN ('per_host', 'calendar')),
    name     text NOT NULL,              -- the host, or the URL with # for the parts of a date
    pages    bigint NOT NULL,
    PRIMARY KEY (crawl_id, rule, name)
);

-- A page that has redirected once: its target counts in its place. Kept only where per_host counts.
ALTER TABLE page ADD COLUMN moved boolean NOT NULL DEFAULT false;

ALTER TABLE refused DROP CONSTRAINT refused_rule_check;
ALTER TABLE refused ADD CONSTRAINT refused_rule_check CHECK (rule IN ('depth', 'url', 'scope', 'prefix', 'url_length', 'path_repeat',
    'parameters', 'preset', 'exclude', 'include', 'mask_limit', 'limit', 'per_host', 'calendar'));

-- Returns no row, as ledger_check: what is counted for per_host is what there is.
CREATE VIEW quota_check AS
SELECT c.id AS crawl_id, h.name, coalesce(q.pages, 0) AS kept, count(p.id) FILTER (WHERE NOT p.moved) AS counted
FROM crawl c
JOIN page p ON p.crawl_id = c.id
JOIN host h ON h.id = p.host_id
LEFT JOIN quota q ON q.crawl_id = c.id AND q.rule = 'per_host' AND q.name = h.name
WHERE c.rules ? 'per_host'
GROUP BY c.id, h.name, q.pages
HAVING count(p.id) FILTER (WHERE NOT p.moved) <> coalesce(q.pages, 0)
    OR count(p.id) FILTER (WHERE NOT p.moved) > (c.rules->>'per_host')::bigint;
