// The table of a crawl's pages: filtered, searched, fetched piece by piece, and kept up to date while somebody looks.
import { h, Keyed, put, say, set } from "./dom.js";
import { get, poll, query as path } from "./api.js";
import { chip, empty, loading, problem, time } from "./parts.js";
import { endedPage, laterPage } from "./order.js";
import { CODES } from "./codes.js";
import * as text from "./text.js";

const PIECE = 100;

export const STATES = [["", "any state"], ["stored", "stored"], ["skipped", "skipped"], ["error", "failed"], ["cancelled", "cancelled"],
    ["scheduled", "under way"], ["registered", "waiting"]];

export const WORDS = { registered: "waiting", scheduled: "released", taken: "fetching", fetched: "fetched", parsed: "parsed", calculated: "summed up",
    stored: "stored", skipped: "skipped", error: "failed", cancelled: "cancelled" };

/* codes(set): called with the codes seen so far. Gives {element, event(pages), reload(), refresh(running)}. */
export default function pages(id, query, signal, codes) {
    const filter = { state: query.get("state") ?? "", code: query.get("code") ?? "", q: query.get("q") ?? "", sort: query.get("sort") ?? "-ended" };
    const rows = h("tbody");
    const table = h("table", { class: "list pages", hidden: true },
        h("caption", { class: "sr" }, "Pages of this crawl"),
        h("thead", {}, h("tr", {}, [["Page", "grow"], ["Stage", ""], ["Code", ""], ["Depth", "n"], ["Size", "n"], ["Took", "n"], ["Ended", ""]].map(([words, kind]) =>
            h("th", { scope: "col", class: kind }, words)))), rows);
    const place = h("div", {}, loading());
    const more = h("button", { type: "button", hidden: true }, "More pages");
    const news = h("button", { type: "button", class: "news", hidden: true });
    const state = h("select", { id: "p-state" }, STATES.map(([value, words]) => h("option", { value }, words)));
    const code = h("select", { id: "p-code" });
    const q = h("input", { id: "p-q", type: "search", placeholder: "part of a URL or title", spellcheck: "false", autocapitalize: "off" });
    const sort = h("select", { id: "p-sort" }, h("option", { value: "-ended" }, "latest first"), h("option", { value: "id" }, "as found"));
    const form = h("form", { class: "filter", role: "search", "aria-label": "Pages of this crawl" },
        [["p-q", "Find", q], ["p-state", "State", state], ["p-code", "Code", code], ["p-sort", "Order", sort]].map(([name, words, input]) =>
            h("div", { class: "field" }, h("label", { for: name }, words), input)));
    const element = h("section", { "aria-labelledby": "pages-title" }, h("h2", { id: "pages-title" }, "Pages"), form, place, news, table, h("div", { class: "buttons" }, more));

    const list = new Keyed(rows, (page) => page.id, row);
    const seen = new Set([filter.code].filter(Boolean));
    const known = new Map(); // id → the latest that is known of it
    let shown = [], next = null, held = [], current = null;
    let deep = false;  // somebody has asked for more than the first piece
    let cut = false;   // rows went out of sight below: the cursor no longer follows the last one

    const unfiltered = () => !filter.state && !filter.code && !filter.q;
    function sync() {
        const options = ["", ...[...seen].sort()];
        if (code.options.length !== options.length) code.replaceChildren(...options.map((value) => h("option", { value }, value || "any code")));
        for (const [input, value] of [[state, filter.state], [code, filter.code], [q, filter.q], [sort, filter.sort]]) if (input.value !== value) input.value = value;
    }

    function learn(page) {
        const best = laterPage(known.get(page.id), page);
        known.set(page.id, best);
        if (best.code && best.code !== "OK") seen.add(best.code);
        return best;
    }

    function fits(page) {
        return (!filter.state || page.state === filter.state) && (!filter.code || page.code === filter.code) &&
            (!filter.q || `${page.url} ${page.title ?? ""}`.toLowerCase().includes(filter.q.toLowerCase()));
    }

    function show() {
        list.show(shown.map((one) => known.get(one)));
        table.hidden = shown.length === 0;
        more.hidden = !next && !cut;
        news.hidden = held.length === 0;
        put(news, held.length === 1 ? "1 new page" : `${text.number(held.length)} new pages`);
        place.replaceChildren(...shown.length > 0 ? [] : [unfiltered() ? empty(filter.sort === "-ended" ? "No page has come to its end yet." : "No page yet.") : empty("No page like that. ",
            h("button", { type: "button", class: "quiet", onclick: () => change({ state: "", code: "", q: "" }) }, "Show all"))]);
        sync();
        codes(seen);
    }

    // Only pages that have ended have an order of their ends.
    const order = () => ["registered", "scheduled"].includes(filter.state) ? "id" : filter.sort;
    const ask = (cursor, with_) => get(path(`/v1/crawl/${encodeURIComponent(id)}/pages`, { ...filter, sort: order(), limit: PIECE, cursor }), { signal: with_ });

    async function reload() {
        current?.abort();
        const mine = current = new AbortController();
        signal.addEventListener("abort", () => mine.abort());
        set(element, "aria-busy", "true");
        await poll(async () => {
            const answer = await ask(null, mine.signal);
            for (const page of answer.data) learn(page);
            shown = answer.data.map((page) => page.id);
            next = answer.next;
            held = [];
            deep = cut = false;
            show();
            return false;
        }, 0, mine.signal, (error) => place.replaceChildren(problem(error, reload)));
        if (!mine.signal.aborted) set(element, "aria-busy", null);
    }

    function change(to) {
        Object.assign(filter, to);
        const said = new URLSearchParams(Object.entries(filter).filter(([name, value]) => value && !(name === "sort" && value === "-ended"))).toString();
        history.replaceState(null, "", `#/crawl/${encodeURIComponent(id)}${said && `?${said}`}`);
        sync();
        reload();
    }

    // What is being read must not move: news waits behind a button then.
    const read = () => element.contains(document.activeElement) && table.contains(document.activeElement) || table.matches(":hover") || deep;

    /* Pages that have just reached a final state. */
    function event(pages_) {
        const fresh = [];
        for (const page of pages_) {
            const best = learn(page);
            if (best === page && !shown.includes(page.id) && !held.includes(page.id) && fits(page) && order() === "-ended") fresh.push(page.id);
        }
        held = [...fresh.reverse(), ...held].slice(0, 10_000);
        if (!read()) release();
        else show();
    }

    function release() {
        shown = [...held, ...shown];
        held = [];
        if (!deep && shown.length > PIECE) {
            shown = shown.slice(0, PIECE);
            cut = true;
        }
        show();
    }

    // Pages that are under way have no events: their rows are asked for again now and then while their crawl runs.
    async function refresh() {
        if (!current || deep || shown.every((one) => endedPage(known.get(one)))) return;
        const answer = await ask(null, signal);
        for (const page of answer.data) learn(page);
        if (!read()) shown = [...answer.data.map((page) => page.id)];
        show();
    }

    form.addEventListener("submit", (event_) => event_.preventDefault());
    state.addEventListener("change", () => change({ state: state.value }));
    code.addEventListener("change", () => change({ code: code.value }));
    sort.addEventListener("change", () => change({ sort: sort.value }));
    let typing = 0;
    q.addEventListener("input", () => {
        clearTimeout(typing);
        typing = setTimeout(() => change({ q: q.value.trim() }), 250);
    });
    news.addEventListener("click", () => {
        if (deep) reload();
        else release();
    });
    more.addEventListener("click", async () => {
        more.disabled = true;
        try {
            if (cut) await reload();
            deep = true;
            const answer = await ask(next, signal);
            for (const page of answer.data) learn(page);
            shown = [...new Set([...shown, ...answer.data.map((page) => page.id)])];
            next = answer.next;
            show();
            say(`${text.number(shown.length)} pages are listed.`);
        } catch (error) {
            if (!signal.aborted) say(error.message);
        } finally {
            more.disabled = false;
        }
    });
    sync();
    return { element, event, reload, refresh, change };
}

/* Milliseconds between its last release and its end. */
export function took(page) {
    const times = page.times ?? {};
    return text.at(times.ended ?? times.stored) - text.at(times.scheduled);
}

function row(page) {
    const link = h("a", { class: "row-link", href: `#/page/${encodeURIComponent(page.id)}`, dir: "auto" });
    const url = h("span", { class: "sub", dir: "auto" }), stage = chip(), end = time();
    const cell = (label, kind = "n") => h("td", { class: kind, "data-label": label });
    const code = cell("Code", "code"), depth = cell("Depth"), size = cell("Size"), length = cell("Took");
    const element = h("tr", {}, h("th", { scope: "row", class: "grow" }, link, url), h("td", { class: "state" }, stage.element), code, depth, size, length,
        h("td", { class: "when" }, end.element));
    return {
        element,
        update(one) {
            const where = text.shown(one.url, 200), title = text.line(one.title, 200);
            put(link, title || where);
            put(url, title ? where : "");
            stage.update(one.state, WORDS[endedPage(one) ? one.state : one.stage] ?? one.stage);
            put(code, one.code && one.code !== "OK" ? one.code : "");
            set(code, "title", [CODES[one.code], text.line(one.detail, 300)].filter(Boolean).join(": ") || null);
            put(depth, text.number(one.depth));
            put(size, Number.isFinite(one.bytes) ? text.bytes(one.bytes) : "");
            put(length, Number.isFinite(took(one)) ? text.duration(took(one)) : "");
            end.update(one.times?.ended ?? one.times?.stored);
        },
    };
}
