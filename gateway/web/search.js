// Full-text search over what has been stored.
import { h, put, say } from "./dom.js";
import { get, query as path } from "./api.js";
import { empty, loading, problem } from "./parts.js";
import * as text from "./text.js";

const PIECE = 20;
// What stands around the words found, in a snippet: U+0002 and U+0003. Markup in it is text like any other.
const MARK = /\u0002([^\u0002\u0003]*)\u0003/g;

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
        h("p", { class: "sub", lang: "en", dir: "ltr" }, text.shown(one.url)), h("p", {}, marked(one.snippet)));
}

/* Text with its marked words as elements. */
function marked(snippet) {
    if (typeof snippet !== "string") return [];
    const parts = [];
    let last = 0;
    for (const match of snippet.matchAll(MARK)) {
        parts.push(text.clean(snippet.slice(last, match.index)), h("mark", {}, text.clean(match[1])));
        last = match.index + match[0].length;
    }
    return [...parts, text.clean(snippet.slice(last))];
}
