"""The frontier: who may be asked, and when."""

import contextlib
import statistics

import pytest

from support.site import Server, Synthetic
from support.stack import wait_until


def test_a_delay_is_kept_and_not_more(make_stack):
    """A host is asked again when its delay is over, and not when the writer happens to look (once a second)."""
    delay = 0.05
    site = Synthetic(40, 8)
    stack = make_stack(HOST_DELAY=f"{int(1000 * delay)}ms")
    stack.start_all()
    with Server(site) as server:
        stack.seed(server.url("/0"), depth=20)
        assert stack.wait_completed().stored == site.pages
        gaps = server.gaps()
    assert min(gaps) >= delay, sorted(gaps)[:5]
    assert statistics.quantiles(gaps)[0] < 0.5, sorted(gaps)  # some: on a busy machine others are longer


@pytest.mark.limit(300)
def test_plans_follow_growth(make_stack, long):
    """An ANALYZE between two crawls, which sees no page waiting, does not make the second one read whole tables: PostgreSQL then
    takes tables that have pages, but had no row, for empty however many rows they get."""
    site = Synthetic(2_000 if long else 600, 100)
    stack = make_stack(FETCH_PER_HOST="8")
    tables = ("frontier", "delayed", "ticket", "page_links", "page", "host", "crawl")
    for table in tables:
        stack.query(f"alter table {table} set (vacuum_truncate = off)")
    stack.query("insert into host (name) select 'parked' || n || '.example' from generate_series(1, 20000) n")
    stack.start_all()

    def reads():
        return dict(stack.query("select relname, (seq_tup_read + idx_tup_read)::bigint from pg_stat_user_tables join "
                                "(select relid, sum(idx_tup_read) idx_tup_read from pg_stat_user_indexes group by 1) i using (relid)"))

    with contextlib.ExitStack() as servers:
        urls = [servers.enter_context(Server(site, address=f"127.0.0.{n}")).url("/0") for n in range(2, 10)]
        for number in (1, 2, 3):
            before = reads()
            for url in urls:
                stack.seed(url, depth=1000, limit=1_000_000 + number)
            wait_until(lambda: stack.value("select count(*) from crawl where state = 'completed'") == len(urls), 120, "crawled")
            wait_until(lambda b=before: reads()["frontier"] > b["frontier"] + len(urls) * site.pages, 20, "the database has counted")
            each = {table: (count - before[table]) / (len(urls) * site.pages) for table, count in reads().items()}
            assert max(each.values()) < 50, f"crawl {number}: entries of tables and indexes read for a page: {each}"
            stack.query("delete from crawl where not is_inbox")
            stack.query("vacuum analyze")
