// Which of two statements about the same thing is the later one. News comes by more than one way: a stream that may have been cut and is
// replayed, answers that were on their way meanwhile. Nothing here asks when something arrived, only what it says; so a late event never
// moves a page or a crawl back.

const ENDED_CRAWL = new Set(["completed", "cancelled", "failed"]);
const ENDED_PAGE = new Set(["stored", "skipped", "error", "cancelled"]);
const STAGES = ["registered", "scheduled", "taken", "fetched", "parsed", "calculated"];

export function ended(crawl) {
    return ENDED_CRAWL.has(crawl.state);
}

export function endedPage(page) {
    return ENDED_PAGE.has(page.state);
}

/* Pages in a final state. */
export function final(counts) {
    return counts.stored + counts.skipped + counts.error + counts.cancelled;
}

/* How far a page is: 0 registered … 6 ended. */
export function rank(page) {
    return endedPage(page) ? STAGES.length : Math.max(0, STAGES.indexOf(page.stage));
}

/* The moment a page's present life began: a run again, or a retry, begins a new one. */
function begun(page) {
    const times = page.times ?? {};
    return [times.scheduled, times.registered].filter(Boolean).sort().at(-1) ?? "";
}

function endOf(page) {
    const times = page.times ?? {};
    return times.ended ?? times.stored ?? "";
}

/* The later of two statements about one page. A page that ends gets a number that only grows in its crawl, and keeps it while it is open
 * again. Without numbers times decide; as ISO text they compare as they are. */
export function laterPage(a, b) {
    if (!a || !b) return a ?? b;
    const over = [endedPage(a), endedPage(b)], [x, y] = [a.event ?? 0, b.event ?? 0];
    if (x !== y) return y > x ? b : a;
    if (x > 0 && over[0] !== over[1]) return over[0] ? b : a;
    if (over[0] && over[1]) return endOf(b) >= endOf(a) ? b : a;
    // An end is only taken back by what began after it.
    if (over[0]) return begun(b) > endOf(a) ? b : a;
    if (over[1]) return begun(a) > endOf(b) ? a : b;
    if ((a.attempts ?? 0) !== (b.attempts ?? 0)) return (b.attempts ?? 0) > (a.attempts ?? 0) ? b : a;
    return rank(b) >= rank(a) ? b : a;
}

/* The later of two statements about one crawl, by the number of its last event. `sure`: b was asked for after a had been heard. */
export function laterCrawl(a, b, sure = false) {
    if (!a || !b || sure) return b ?? a;
    const [x, y] = [a.event ?? 0, b.event ?? 0];
    if (x !== y) return y > x ? b : a;
    if (a.run !== b.run) return b.run > a.run ? b : a;
    if (ended(a) !== ended(b)) return ended(b) ? b : a;
    return final(b.counts) + b.counts.admitted >= final(a.counts) + a.counts.admitted ? b : a;
}
