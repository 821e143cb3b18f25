// Full-text search over what has been stored.
import { h, put, say } from "./dom.js";
import { get, query as path } from "./api.js";
import { empty, loading, problem } from "./parts.js";
import * as text from "./text.js";

const PIECE = 20;
// How the gateway marks words in a snippet; whatever else looks like markup is text.
const MARK = /<(?:b|mark)>([^<]*)<\/(?:b|mark)>/g;

export default function search({ main, signal, query, title }) {
    const input = h("input", { id: "q", type: "search", value: query.get("q") ?? "", required: true, spellcheck: "false", placeholder: "words, \"a phrase\", -not this" });
    const results = h("ol", { class: "results" }), place = h("div", { "aria-live": "polite" }), more = h("button", { type: "button", hidden: true }, "More");
    const form = h("form", { class: "search", role: "search" }, h("label", { for: "q", class: "sr" }, "Search articles and summaries"), h("div", { class: "with-button" }, input, h("button", { class: "main" }, "Search")));
    main.append(h("h1", {}, "Search"), form, place, results, h("div", { class: "buttons" }, more));
    const crawl = query.get("crawl");
    let next = null;

    async function run(cursor) {
        const q = input.value.trim();
        if (!q) return;
        title(q);
        if (!cursor) {
            results.replaceChildren();
            place.replaceChildren(loading("Searching"));
        }
        try {
            const answer = await get(path("/v1/search", { q, crawl, limit: PIECE, cursor }), { signal });
            results.append(...answer.data.map(found));
            next = answer.next;
            more.hidden = !next;
            const waiting = answer.waiting > 0 ? ` ${text.number(answer.waiting)} pages are not in the index yet.` : "";
            place.replaceChildren(results.children.length > 0 ? waiting && h("p", { class: "hint" }, waiting) : empty(`Nothing has been found.${waiting}`));
            say(`${results.children.length} found.`);
        } catch (error) {
            if (!signal.aborted) place.replaceChildren(problem(error, () => run(cursor)));
        }
    }

    form.addEventListener("submit", (event) => {
        event.preventDefault();
        history.replaceState(null, "", `#${path("/search", { q: input.value.trim(), crawl })}`);
        run(null);
    });
    more.addEventListener("click", () => run(next));
    if (input.value) run(null);
    else input.focus();
    put(place, "");
}

function found(one) {
    return h("li", { lang: text.language(one.lang), dir: "auto" },
        h("h2", {}, h("a", { href: `#/page/${encodeURIComponent(one.page)}` }, text.line(one.title, 160) || text.shown(one.url))),
        h("p", { class: "sub", lang: "en", dir: "ltr" }, text.shown(one.url)), h("p", {}, marked(text.line(one.snippet, 600))));
}

/* Text with its marked words as elements. */
function marked(snippet) {
    const parts = [];
    let last = 0;
    for (const match of snippet.matchAll(MARK)) {
        parts.push(snippet.slice(last, match.index), h("mark", {}, match[1]));
        last = match.index + match[0].length;
    }
    return [...parts, snippet.slice(last)];
}
