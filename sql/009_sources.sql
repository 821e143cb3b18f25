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
