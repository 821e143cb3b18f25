// The page's modules that need no browser: node --test tests/web/units.test.mjs
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { CODES } from "../../gateway/web/codes.js";
import { endedPage, laterCrawl, laterPage, rank } from "../../gateway/web/order.js";
import { spread, STAGES } from "../../gateway/web/stages.js";
import { Reader } from "../../gateway/web/sse.js";
import * as text from "../../gateway/web/text.js";

const read = (name) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");

test("codes mean what the programs mean", () => {
    const rows = [...read("common/line/codes.h").matchAll(/X\((\w+), \w+, \w+, "([^"]*)"\)/g)].map((match) => [match[1], match[2]]);
    assert.ok(rows.length > 20);
    assert.deepEqual(Object.entries(CODES), rows);
});

test("stages are those of the database", () => {
    const names = read("sql/012_stages.sql").match(/TYPE stage AS ENUM \(([^;]*)\);/)[1].replace(/--.*/g, "").match(/'\w+'/g).map((name) => name.slice(1, -1));
    assert.deepEqual(Object.keys(STAGES).sort(), names.sort());
    assert.equal(spread({ queued: 4, fetching: 3, parsing: 0, scheduled: 7 }), "4 in a queue, 3 fetching");
    assert.equal(spread({}), "");
});

test("hidden characters are no part of a title", () => {
    assert.equal(text.line("a\u202egnp.exe\u202c b\u2066c\u0007\u0000\u009b d\ufeff"), "agnp.exe bc d");
    assert.equal(text.clean("a\n\tb"), "a\n\tb");
    assert.equal(text.clean(null), "");
    assert.equal(text.clean({ toString: () => "x" }), "");
});

test("long titles are cut between characters", () => {
    assert.equal(text.line("😀".repeat(100), 10), "😀".repeat(4) + "…");
    assert.equal(text.line("x".repeat(10_000), 240).length, 240);
    assert.equal(text.line(" a \n b "), "a b");
});

test("only web addresses become links", () => {
    for (const bad of ["javascript:alert(1)", " javascript:alert(1)", "data:text/html,x", "//x", "", null, "file:///etc/passwd"]) assert.equal(text.safe(bad), null, bad);
    assert.equal(text.safe("https://example.org/ä"), "https://example.org/%C3%A4");
});

test("URLs as people read and type them", () => {
    assert.equal(text.shown("https://example.org/"), "example.org");
    assert.equal(text.shown("https://example.org/%C3%BCber?x=%2F"), "example.org/über?x=%2F");
    assert.equal(text.shown("https://example.org/%E2%80%AEgpj"), "example.org/gpj");
    assert.equal(text.shown("https://example.org/%ff"), "example.org/%ff");
    assert.equal(text.typed(" example.org/a "), "https://example.org/a");
    assert.equal(text.typed("localhost:8000/a"), "http://localhost:8000/a");
    assert.equal(text.typed("example.org:8000/a"), "https://example.org:8000/a");
    assert.equal(text.typed("http://x/"), "http://x/");
    assert.equal(text.typed("mailto:x@example.org"), "mailto:x@example.org");
});

test("numbers and times", () => {
    assert.deepEqual([999, 1000, 12_345, 10 ** 7].map(text.bytes), ["999 B", "1.0 KB", "12.3 KB", "10.0 MB"]);
    assert.deepEqual([0, 999, 1400, 59_600, 125_000, 3 * 3600_000, 98 * 3600_000, NaN].map(text.duration),
        ["0 ms", "999 ms", "1.4 s", "1 min 00 s", "2 min 05 s", "3 h 00 min", "4 d 2 h", "–"]);
    const now = Date.parse("2026-01-02T12:00:00Z");
    assert.deepEqual(["2026-01-02T11:59:58Z", "2026-01-02T11:59:15Z", "2026-01-02T09:00:00Z", "2026-01-01T11:00:00Z", "2026-01-02T12:00:30Z", null].map((time) => text.ago(time, now)),
        ["just now", "45 s ago", "3 h ago", "yesterday", "in 30 s", "–"]);
    assert.equal(text.sentence("no such thing"), "No such thing.");
    assert.equal(text.language("en-GB"), "en-GB");
    assert.equal(text.language("en\" onload=x"), null);
});

test("a stream cut at every place gives the same events", () => {
    const stream = ": hello\nid: 7\nevent: page\ndata: {\"a\":\ndata: 1}\n\nid: 8\r\nevent: done\r\ndata: ü\r\n\r\nretry: 10\rdata: x\r\r: end\n";
    const want = [{ event: "page", data: "{\"a\":\n1}", id: "7" }, { event: "done", data: "ü", id: "8" }, { event: "message", data: "x", id: "8" }];
    for (let i = 0; i <= stream.length; i++) {
        for (let j = i; j <= stream.length; j += 7) {
            const reader = new Reader();
            assert.deepEqual([stream.slice(0, i), stream.slice(i, j), stream.slice(j)].flatMap((piece) => reader.push(piece)), want, `cut at ${i}, ${j}`);
            assert.equal(reader.retry, 10);
        }
    }
});

test("what is not ended by an empty line is no event", () => {
    assert.deepEqual(new Reader().push("id: 1\ndata: x\n"), []);
    assert.deepEqual(new Reader().push("event: x\n\n"), []);
});

const page = (state, more) => ({ id: "1", state, stage: more?.stage ?? state, attempts: 1, times: {}, ...more });

test("a late event never moves a page back", () => {
    const way = [page("registered"), page("scheduled"), page("scheduled", { stage: "taken" }), page("scheduled", { stage: "fetched" }),
        page("scheduled", { stage: "parsed" }), page("stored", { event: 9, times: { stored: "2026-01-01T00:00:09.000Z" } })];
    for (const a of way) for (const b of way) assert.equal(rank(laterPage(a, b)), Math.max(rank(a), rank(b)));
    const [first, last] = [page("error", { event: 4 }), page("stored", { event: 9 })];
    assert.equal(laterPage(first, last), last);
    assert.equal(laterPage(last, first), last);
    // Tried again after its end: the row is open and still has the number of that end.
    const again = page("registered", { event: 4 });
    assert.equal(laterPage(first, again), again);
    assert.equal(laterPage(again, first), again);
    assert.equal(laterPage(again, last), last);
});

test("without numbers, times decide", () => {
    const over = page("stored", { times: { registered: "2026-01-01T00:00:00Z", scheduled: "2026-01-01T00:00:01Z", ended: "2026-01-01T00:00:05Z" } });
    const open = page("scheduled", { times: { registered: "2026-01-01T00:00:00Z", scheduled: "2026-01-01T00:00:01Z" } });
    const anew = page("scheduled", { times: { registered: "2026-01-01T00:00:00Z", scheduled: "2026-01-01T00:00:08Z" } });
    assert.ok(endedPage(laterPage(over, open)) && endedPage(laterPage(open, over)));
    assert.equal(laterPage(over, anew), anew);
    assert.equal(laterPage(anew, over), anew);
});

test("a late event never moves a crawl back", () => {
    const counts = (stored, admitted) => ({ admitted, stored, skipped: 0, error: 0, cancelled: 0, registered: admitted - stored, scheduled: 0 });
    const crawl = (event, state, stored, run = 1) => ({ event, state, run, counts: counts(stored, 10) });
    const way = [crawl(1, "running", 0), crawl(4, "running", 3), crawl(11, "running", 10), crawl(12, "completed", 10), crawl(13, "running", 0, 2)];
    for (const a of way) for (const b of way) assert.equal(laterCrawl(a, b).event, Math.max(a.event, b.event));
    assert.equal(laterCrawl(crawl(undefined, "completed", 10), crawl(undefined, "running", 9)).state, "completed");
    assert.equal(laterCrawl(crawl(undefined, "running", 9), crawl(undefined, "running", 3)).counts.stored, 9);
    assert.equal(laterCrawl(crawl(12, "completed", 10), crawl(12, "running", 10), true).state, "running");
});

test("nothing of another host, nothing inline, no markup from strings", () => {
    const names = ["app", "api", "codes", "crawl", "dom", "home", "line", "one", "order", "page", "pages", "parts", "plot", "search", "sse", "text"];
    for (const name of names) {
        const source = read(`gateway/web/${name}.js`);
        assert.doesNotMatch(source, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|srcdoc/, name);
        assert.doesNotMatch(source.replaceAll("http://www.w3.org/2000/svg", "").replace(/placeholder: "[^"]*"/g, ""), /["'`]https?:\/\/\w/, name);
    }
    const html = read("gateway/web/index.html"), css = read("gateway/web/app.css");
    assert.doesNotMatch(html, /\son\w+=|\sstyle=|<style|<script(?![^>]* src="\/)|(src|href)="(https?:)?\/\//);
    assert.doesNotMatch(css, /@import|url\(/);
});
