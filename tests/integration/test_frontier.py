"""The frontier: who may be asked, and when."""

import statistics

from support.site import Server, Synthetic


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
    assert statistics.median(gaps) < 0.5, sorted(gaps)
