-- Without a condition on `release`: a column that any index mentions cannot change in place (a heap-only update), and the release changes
-- that one of every page. Then it wrote a new entry into all indexes of the table.
DROP INDEX page_permanent;
CREATE INDEX page_permanent ON page (url_hash) WHERE code IN ('HTTP_4XX', 'UNSUPPORTED_TYPE', 'TOO_LARGE', 'POISON');
