-- Gistmill's tables. docs/ARCHITECTURE.md explains states and laws; the writer is the only program that changes rows.
--
-- Lock order of every transaction: crawl rows by id, then host rows by id, then the rest, sorted.

CREATE TYPE page_state AS ENUM ('registered', 'scheduled', 'stored', 'skipped', 'error', 'cancelled');
CREATE TYPE crawl_state AS ENUM ('running', 'completed', 'cancelled');

-- What was asked for. Counters are kept by the transaction that changes a page's state; ledger_check compares.
CREATE TABLE crawl (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request     uuid NOT NULL UNIQUE,            -- digest of the seed message; a fixed value for the inbox
    is_inbox    boolean NOT NULL DEFAULT false,  -- takes bare URLs, never completes
    seed        text NOT NULL,                   -- the first URL asked for, or 'inbox'
    scope       text NOT NULL CHECK (scope IN ('host', 'subdomains', 'domain', 'any')),
    max_depth   integer NOT NULL CHECK (max_depth >= 0),
    max_pages   bigint CHECK (max_pages > 0),    -- the limit; null: none
    priority    smallint NOT NULL DEFAULT 0,
    state       crawl_state NOT NULL DEFAULT 'running',
    run         integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    started_at  timestamptz NOT NULL DEFAULT now(), -- of this run
    finished_at timestamptz,
    -- the books: admitted = registered + scheduled + stored + skipped + errors + cancelled, open = registered + scheduled
    admitted    bigint NOT NULL DEFAULT 0,
    registered  bigint NOT NULL DEFAULT 0,
    scheduled   bigint NOT NULL DEFAULT 0,
    stored      bigint NOT NULL DEFAULT 0,
    skipped     bigint NOT NULL DEFAULT 0,
    errors      bigint NOT NULL DEFAULT 0,
    cancelled   bigint NOT NULL DEFAULT 0,
    open        bigint NOT NULL DEFAULT 0,
    -- the limit: pages that hold a place, pages begun in this run, pages that ended as stored or UNCHANGED in this run
    places      bigint NOT NULL DEFAULT 0,
    begun       bigint NOT NULL DEFAULT 0,
    kept        bigint NOT NULL DEFAULT 0,
    -- the report of this run
    added       bigint NOT NULL DEFAULT 0,
    changed     bigint NOT NULL DEFAULT 0,
    unchanged   bigint NOT NULL DEFAULT 0,
    gone        bigint NOT NULL DEFAULT 0,
    failed      bigint NOT NULL DEFAULT 0
);
CREATE INDEX crawl_open ON crawl (id) WHERE open > 0;

-- One entry of the politeness clock: a host name with its port if that is not the scheme's default.
CREATE TABLE host (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text NOT NULL UNIQUE,
    https           boolean NOT NULL DEFAULT false,      -- scheme its robots.txt is asked with
    next_at         timestamptz NOT NULL DEFAULT 'infinity', -- when the release looks here again; infinity: nothing waits, or no slot
    free_at         timestamptz NOT NULL DEFAULT '-infinity', -- no ticket before (politeness)
    out             integer NOT NULL DEFAULT 0 CHECK (out >= 0), -- tickets out
    robots_state    smallint NOT NULL DEFAULT 0,         -- 0 not known, 1 rules known, 2 not to be had
    robots_until    timestamptz,                         -- the state above holds so long
    robots_release  bigint NOT NULL DEFAULT 0,           -- number of the last request
    robots_failures integer NOT NULL DEFAULT 0,
    robots_status   integer,
    robots_code     text,                                -- why it is not to be had
    robots          text COMPRESSION lz4,
    crawl_delay_ms  bigint                               -- from robots.txt, capped
) WITH (fillfactor = 70);
CREATE INDEX host_next ON host (next_at) WHERE next_at <> 'infinity';

-- Hosts whose links are in scope, for scopes other than 'any': grows when a page of depth 0 redirects.
CREATE TABLE crawl_host (
    crawl_id bigint NOT NULL REFERENCES crawl ON DELETE CASCADE,
    name     text NOT NULL,
    PRIMARY KEY (crawl_id, name)
);

CREATE TABLE page (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    crawl_id      bigint NOT NULL REFERENCES crawl ON DELETE CASCADE,
    url_hash      uuid NOT NULL,
    url           text NOT NULL,
    host_id       bigint NOT NULL REFERENCES host,
    state         page_state NOT NULL DEFAULT 'registered',
    code          text,                          -- of the last outcome, also of one that is tried again
    detail        text,
    depth         integer NOT NULL,
    hops          smallint NOT NULL DEFAULT 0,   -- redirects that led here
    parent_id     bigint,                        -- the page that was found first to link here
    redirect_id   bigint,                        -- with REDIRECTED: the page admitted in its place
    release       bigint NOT NULL DEFAULT 0,     -- number of the last release
    void_release  bigint NOT NULL DEFAULT 0,     -- results of releases up to this one are too late
    has_place     boolean NOT NULL DEFAULT false,
    failures      smallint NOT NULL DEFAULT 0,
    losses        smallint NOT NULL DEFAULT 0,
    returns       smallint NOT NULL DEFAULT 0,
    status        smallint,                      -- HTTP
    bytes         bigint,
    content_hash  uuid,
    recipe_hash   uuid,
    last_hash     uuid,                          -- content hash of the run before
    title         text,
    byline        text,
    published     text,
    lang          text,
    site          text,
    excerpt       text,
    canonical     text,
    words         bigint,
    etag          text,
    last_modified text,
    reason        text,                          -- why the summary is not what was asked for
    registered_at timestamptz NOT NULL DEFAULT now(),
    scheduled_at  timestamptz,
    taken_at      timestamptz,
    fetched_at    timestamptz,
    parsed_at     timestamptz,
    calculated_at timestamptz,
    ended_at      timestamptz,                   -- stored, skipped, error or cancelled
    UNIQUE (crawl_id, url_hash)
) WITH (fillfactor = 75);
CREATE INDEX page_content ON page (content_hash) WHERE content_hash IS NOT NULL;

-- What may go now. A row leaves when its page is released or ends.
CREATE TABLE frontier (
    host_id  bigint NOT NULL,
    crawl_id bigint NOT NULL,
    priority smallint NOT NULL,
    depth    integer NOT NULL,
    page_id  bigint NOT NULL,
    PRIMARY KEY (host_id, crawl_id, priority, depth, page_id)
);
CREATE UNIQUE INDEX frontier_page ON frontier (page_id);
CREATE INDEX frontier_crawl ON frontier (crawl_id) INCLUDE (page_id);

-- What waits for a time.
CREATE TABLE delayed (
    page_id  bigint PRIMARY KEY,
    due_at   timestamptz NOT NULL,
    crawl_id bigint NOT NULL
);
CREATE INDEX delayed_due ON delayed (due_at);
CREATE INDEX delayed_crawl ON delayed (crawl_id);

-- What is out: permission for one fetch. page_id 0: the host's robots.txt.
CREATE TABLE ticket (
    host_id  bigint NOT NULL,
    page_id  bigint NOT NULL,
    release  bigint NOT NULL,
    deadline timestamptz NOT NULL,
    PRIMARY KEY (page_id, host_id, release)
);
CREATE INDEX ticket_deadline ON ticket (deadline);

-- The links of a page in scope, until its crawl completes: offered again when the page's depth falls.
CREATE TABLE page_links (
    page_id  bigint PRIMARY KEY,
    crawl_id bigint NOT NULL,
    links    bytea NOT NULL -- one a line, zstd
);
CREATE INDEX page_links_crawl ON page_links (crawl_id);

CREATE TABLE article (
    content_hash uuid PRIMARY KEY,
    text         text COMPRESSION lz4 NOT NULL,
    markdown     text COMPRESSION lz4,
    created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE summary (
    content_hash uuid NOT NULL REFERENCES article ON DELETE CASCADE,
    recipe_hash  uuid NOT NULL,
    engine       text NOT NULL,
    model        text,
    text         text NOT NULL,
    tokens_in    bigint NOT NULL DEFAULT 0,
    tokens_out   bigint NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (content_hash, recipe_hash)
);

-- What happened to a page, one row an answer.
CREATE TABLE attempt (
    page_id bigint NOT NULL,
    release bigint NOT NULL,
    at      timestamptz NOT NULL DEFAULT now(),
    code    text NOT NULL,
    detail  text,
    status  smallint,
    bytes   bigint,
    ms      bigint
);
CREATE INDEX attempt_page ON attempt (page_id, at);

-- Links that are not pages, counted by rule; the first of each rule are kept.
CREATE TABLE refused (
    crawl_id bigint NOT NULL REFERENCES crawl ON DELETE CASCADE,
    rule     text NOT NULL CHECK (rule IN ('scope', 'depth', 'url', 'limit')),
    count    bigint NOT NULL DEFAULT 0,
    sample   text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (crawl_id, rule)
);

-- What somebody asked for and could not be admitted, with the reason.
CREATE TABLE bad_request (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL DEFAULT now(),
    reason text NOT NULL,
    body   bytea NOT NULL -- its beginning
);

-- What came from a queue and could not be read or stored.
CREATE TABLE bad_record (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT now(),
    queue      text NOT NULL,
    message_id text NOT NULL,
    reason     text NOT NULL,
    body       bytea NOT NULL -- its beginning
);

INSERT INTO crawl (request, is_inbox, seed, scope, max_depth)
VALUES ('00000000-0000-0000-0000-000000000000', true, 'inbox', 'any', 0);

-- Closed books: returns no row, at every instant, whatever was killed.
CREATE VIEW ledger_check AS
WITH counted AS (
    SELECT c.id AS crawl_id,
           count(p.id) AS admitted,
           count(*) FILTER (WHERE p.state = 'registered') AS registered,
           count(*) FILTER (WHERE p.state = 'scheduled') AS scheduled,
           count(*) FILTER (WHERE p.state = 'stored') AS stored,
           count(*) FILTER (WHERE p.state = 'skipped') AS skipped,
           count(*) FILTER (WHERE p.state = 'error') AS errors,
           count(*) FILTER (WHERE p.state = 'cancelled') AS cancelled,
           count(*) FILTER (WHERE p.has_place) AS places
    FROM crawl c LEFT JOIN page p ON p.crawl_id = c.id
    GROUP BY c.id
)
SELECT c.id AS crawl_id, NULL::bigint AS id, 'counter ' || x.name AS fault, x.kept::text AS kept, x.counted::text AS counted
FROM crawl c
JOIN counted n ON n.crawl_id = c.id
CROSS JOIN LATERAL (VALUES
    ('admitted', c.admitted, n.admitted), ('registered', c.registered, n.registered), ('scheduled', c.scheduled, n.scheduled),
    ('stored', c.stored, n.stored), ('skipped', c.skipped, n.skipped), ('errors', c.errors, n.errors),
    ('cancelled', c.cancelled, n.cancelled), ('open', c.open, n.registered + n.scheduled), ('places', c.places, n.places)
) AS x (name, kept, counted)
WHERE x.kept <> x.counted
UNION ALL
SELECT c.id, NULL, 'state of the crawl', c.state::text, 'open ' || c.open
FROM crawl c
WHERE NOT c.is_inbox AND (c.state = 'running') <> (c.open > 0)
UNION ALL
SELECT c.id, NULL, 'limit', c.max_pages::text, c.kept::text
FROM crawl c
WHERE c.kept > c.max_pages
UNION ALL
SELECT p.crawl_id, p.id, 'waiting rows', p.state::text, count(w.page_id)::text
FROM page p
LEFT JOIN (SELECT page_id FROM frontier UNION ALL SELECT page_id FROM delayed) w ON w.page_id = p.id
GROUP BY p.crawl_id, p.id, p.state
HAVING count(w.page_id) <> CASE WHEN p.state = 'registered' THEN 1 ELSE 0 END
UNION ALL
SELECT NULL, w.page_id, 'waiting row without page', NULL, NULL
FROM (SELECT page_id FROM frontier UNION ALL SELECT page_id FROM delayed) w
WHERE NOT EXISTS (SELECT FROM page p WHERE p.id = w.page_id)
UNION ALL
SELECT p.crawl_id, p.id, 'ticket of a waiting page', t.release::text, p.release::text
FROM ticket t JOIN page p ON p.id = t.page_id
WHERE (p.state = 'registered' AND t.release > p.void_release) OR t.release > p.release
UNION ALL
SELECT NULL, h.id, 'tickets out', h.out::text, count(t.host_id)::text
FROM host h LEFT JOIN ticket t ON t.host_id = h.id
GROUP BY h.id, h.out
HAVING h.out <> count(t.host_id)
UNION ALL
SELECT p.crawl_id, p.id, 'stored without article or summary', p.content_hash::text, p.recipe_hash::text
FROM page p
WHERE p.state = 'stored'
  AND NOT EXISTS (SELECT FROM summary s WHERE s.content_hash = p.content_hash AND s.recipe_hash = p.recipe_hash);
