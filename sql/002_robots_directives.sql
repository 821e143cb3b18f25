-- Robots directives of pages (<meta name="robots">, X-Robots-Tag) can be left out of account, crawl by crawl.
ALTER TABLE crawl
    ADD COLUMN ignore_noindex  boolean NOT NULL DEFAULT false, -- pages that ask not to be indexed are kept
    ADD COLUMN ignore_nofollow boolean NOT NULL DEFAULT false; -- links of pages that ask not to follow them are admitted
