-- How a host fares (writer/host_clock.c): all of its fetches since the last answer.
ALTER TABLE host
    ADD COLUMN answered_at timestamptz,                       -- its last answer of any kind
    ADD COLUMN failures    integer NOT NULL DEFAULT 0,        -- since then, those of one moment counted once
    ADD COLUMN failed_at   timestamptz,                       -- the last of them
    ADD COLUMN fault       text,                              -- its code
    ADD COLUMN stalled_ms  bigint NOT NULL DEFAULT 0;         -- time it was tried in vain; pauses in which nobody fetched do not count
CREATE INDEX host_stalled ON host (stalled_ms) WHERE stalled_ms > 0;

-- Our own way out: one row.
CREATE TABLE network (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    down_since timestamptz -- hosts that answered before cannot be reached, and nobody has answered since
);
INSERT INTO network DEFAULT VALUES;
