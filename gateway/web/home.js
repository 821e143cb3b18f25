// The first view: start a crawl, ask for one page, all crawls.
import { h, Keyed, put, say, set } from "./dom.js";
import { get, link, poll, post, query, Trouble } from "./api.js";
import { bar, chip, counts, CRAWL_STATES, empty, loading, percent, problem, said, time } from "./parts.js";
import { laterCrawl } from "./order.js";
import * as text from "./text.js";
import { oneUrl } from "./one.js";

const LISTED = 50;

export default function home({ main, signal }) {
    main.append(
        h("h1", { class: "sr" }, "Gistmill"),
        h("div", { class: "doors" }, crawlForm(signal), oneUrl(signal)),
        crawls(signal),
    );
}

/* True of what takes single URLs and never ends; there are two, also where nobody has used them. */
export function inbox(crawl) {
    return crawl.seed === "inbox" || crawl.seed === "express inbox";
}

/* What a crawl is called: its seed. */
export function name(crawl) {
    if (crawl.seed === "inbox") return "Single pages";
    if (crawl.seed === "express inbox") return "Single pages, at once";
    return text.shown(crawl.seed) || "a crawl";
}

// The form ---------------------------------------------------------------------------------------------------------------------------------

/* A labelled input. id is also the field's name in what is sent. */
function field(id, label, input, hint) {
    const element = h("div", { class: "field", "data-field": id }, h("label", { for: `f-${id}` }, label), input,
        hint && h("p", { class: "hint", id: `h-${id}` }, hint), h("p", { class: "fault", id: `e-${id}`, hidden: true }));
    input.id = `f-${id}`;
    set(input, "aria-describedby", [hint && `h-${id}`, `e-${id}`].filter(Boolean).join(" "));
    input.name = id;
    return element;
}

const whole = (value, min, max) => h("input", { type: "number", inputmode: "numeric", min, max, step: 1, value, required: value !== null });
const several = () => h("textarea", { rows: 2, spellcheck: "false", autocapitalize: "off" });

function choice(...options) {
    return h("select", {}, options.map(([value, words]) => h("option", { value }, words)));
}

function check(id, label, hint) {
    return h("div", { class: "check", "data-field": id }, h("input", { type: "checkbox", id: `f-${id}`, name: id }),
        h("label", { for: `f-${id}` }, label, hint && h("span", { class: "hint" }, hint)));
}

function crawlForm(signal) {
    const url = h("input", { type: "text", inputmode: "url", autocomplete: "url", autocapitalize: "off", spellcheck: "false", required: true,
        placeholder: "https://example.org/" });
    const button = h("button", { class: "main" }, "Start the crawl");
    const fault = h("p", { class: "fault", role: "alert", hidden: true });
    const more = h("details", { class: "more" }, h("summary", {}, "More options"),
        h("div", { class: "fields" },
            field("prefix", "Only below this path", h("input", { type: "text", placeholder: "/docs/", spellcheck: "false", autocapitalize: "off" })),
            field("preset", "Preset", choice(["", "none"], ["wiki", "wiki: no talk, user and special pages"])),
            field("include", "Only links that match", several(), "Regular expressions, one a line."),
            field("exclude", "No links that match", several(), "They win over the ones before."),
            field("per_host", "Pages of one host at most", whole(null, 1, 1_000_000_000)),
            field("sitemap", "Sitemaps", choice(["", "not read"], ["include", "read, too"], ["only", "nothing but them"]))),
        check("priority", "It goes before others", "Somebody waits for it."),
        check("feeds", "Read the feeds that pages announce"),
        check("guards", "Follow links that look like traps", "Calendars without end, paths that repeat themselves."),
        check("ignoreNoindex", "Keep pages that ask not to be indexed"),
        check("ignoreNofollow", "Follow links of pages that ask not to"));
    const form = h("form", { class: "card", id: "crawl-form", novalidate: true, "aria-labelledby": "crawl-title" },
        h("h2", { id: "crawl-title" }, "Start a crawl"),
        field("url", "Where it begins", url),
        h("div", { class: "fields three" },
            field("depth", "Links deep", whole(2, 0, 1000)),
            field("limit", "Pages at most", whole(500, 1, 1_000_000_000)),
            field("scope", "Stay within", choice(["host", "the host"], ["subdomains", "its subdomains"], ["domain", "the domain"], ["any", "anywhere"]))),
        more, fault, h("div", { class: "buttons" }, button));

    let token = null; // what makes the same wish, sent twice, one crawl
    form.addEventListener("input", () => { token = null; });
    form.addEventListener("submit", async (event) => {
        event.preventDefault();
        clear(form, fault);
        const bad = [...form.querySelectorAll("input, select, textarea")].find((input) => !input.checkValidity());
        if (bad) return complain(form, fault, bad.name, bad.name === "url" ? "Which URL should it begin with?" : bad.validationMessage);
        token ??= random();
        button.disabled = true;
        put(button, "Starting…");
        try {
            const made = await patiently(() => post("/v1/crawl", wish(form), { signal, headers: { "Idempotency-Key": token } }), signal);
            say("The crawl has been started.");
            location.hash = `#/crawl/${encodeURIComponent(made.id)}`;
        } catch (error) {
            if (signal.aborted) return;
            complain(form, fault, error.details?.details?.field ?? error.details?.field, error.message);
        } finally {
            button.disabled = false;
            put(button, "Start the crawl");
        }
    });
    return form;
}

/* A write whose answer was lost is sent again with the same token: so it happens once. */
async function patiently(send, signal) {
    let answer, failed;
    await poll(async () => {
        answer = await send();
        return false;
    }, 0, signal, (error) => { failed = error; });
    if (failed) throw failed;
    if (!answer) throw new Trouble("Left before it was done.");
    return answer;
}

/* Only what was asked for is sent: what a crawl leaves out is no part of its name. */
function wish(form) {
    const value = (id) => form.elements[id].value.trim();
    const lines = (id) => value(id).split("\n").map((one) => one.trim()).filter(Boolean);
    const all = {
        url: text.typed(value("url")), depth: Number(value("depth")), limit: Number(value("limit")), scope: value("scope"),
        prefix: value("prefix"), preset: value("preset"), include: lines("include"), exclude: lines("exclude"), sitemap: value("sitemap"),
        per_host: value("per_host") && Number(value("per_host")), priority: form.elements.priority.checked && -1,
        feeds: form.elements.feeds.checked || "", guards: form.elements.guards.checked ? false : "", ignoreNoindex: form.elements.ignoreNoindex.checked || "",
        ignoreNofollow: form.elements.ignoreNofollow.checked || "",
    };
    if (all.priority === false) delete all.priority;
    return Object.fromEntries(Object.entries(all).filter(([, said_]) => said_ !== "" && !(Array.isArray(said_) && said_.length === 0)));
}

function clear(form, fault) {
    fault.hidden = true;
    for (const element of form.querySelectorAll("[aria-invalid]")) element.removeAttribute("aria-invalid");
    for (const element of form.querySelectorAll(".field .fault")) element.hidden = true;
}

/* Says what is wrong where it is wrong; at the end of the form if no field is named. */
function complain(form, fault, id, words) {
    const input = id && form.elements[id];
    const place = input && document.getElementById(`e-${id}`) || fault;
    put(place, words);
    place.hidden = false;
    if (!input) return;
    set(input, "aria-invalid", "true");
    const fold = input.closest("details");
    if (fold) fold.open = true;
    input.focus();
}

/* Random letters; crypto.randomUUID is only there over https and on this machine. */
function random() {
    return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// The table --------------------------------------------------------------------------------------------------------------------------------

function crawls(signal) {
    const rows = h("tbody");
    const more = h("button", { type: "button", hidden: true }, "More crawls");
    const table = h("table", { class: "list crawls", hidden: true }, h("caption", { class: "sr" }, "Crawls, newest first"),
        h("thead", {}, h("tr", {}, ["Crawl", "State", "Progress", "Pages", "Per minute", "Started"].map((words, i) =>
            h("th", { scope: "col", class: i > 2 && i < 5 && "n" }, words)))), rows);
    const place = h("div", {}, loading());
    const section = h("section", { "aria-labelledby": "crawls-title" }, h("h2", { id: "crawls-title" }, "Crawls"), place, table, h("div", { class: "buttons" }, more));
    const list = new Keyed(rows, (one) => one.id, row);
    const known = new Map();
    let order = [], next = null, older = [];

    const show = () => {
        const items = [...order, ...older.filter((id) => !order.includes(id))].map((id) => known.get(id))
            .filter((one) => !inbox(one) || counts(one).admitted > 0);
        list.show(items);
        table.hidden = items.length === 0;
        more.hidden = !next;
        place.replaceChildren(...items.length > 0 ? [] : [empty("No crawl yet. The form above starts the first one.")]);
    };
    const take = (data) => data.map((one) => {
        known.set(one.id, laterCrawl(known.get(one.id), one, true));
        return one.id;
    });
    poll(async () => {
        const answer = await get(query("/v1/crawl", { limit: LISTED }), { signal });
        order = take(answer.data);
        if (older.length === 0) next = answer.next;
        show();
        return answer.data.some((one) => !inbox(one) && ["queued", "running", "cancelling"].includes(one.state)) ? 1500 : 4000;
    }, 0, signal, (error) => place.replaceChildren(problem(error, () => location.reload())));
    more.addEventListener("click", async () => {
        more.disabled = true;
        try {
            const answer = await get(query("/v1/crawl", { limit: LISTED, cursor: next }), { signal });
            older = older.concat(take(answer.data));
            next = answer.next;
            show();
        } catch (error) {
            if (!signal.aborted) say(error.message);
        } finally {
            more.disabled = false;
        }
    });
    return section;
}

function row(crawl) {
    const state = chip(), progress = bar(`Progress of ${name(crawl)}`), begun = time(crawl.startedAt ?? crawl.createdAt);
    const share = h("span", { class: "share n" }), pages = h("td", { class: "n", "data-label": "Pages" }), rate = h("td", { class: "n", "data-label": "Per minute" });
    const how = h("span", { class: "sub" });
    const element = h("tr", {},
        h("th", { scope: "row", class: "grow" }, h("a", { class: "row-link", href: `#/crawl/${encodeURIComponent(crawl.id)}`, dir: "auto" }, name(crawl)), how),
        h("td", { class: "state" }, state.element), h("td", { class: "progress" }, progress.element, share), pages, rate,
        h("td", { class: "when" }, begun.element));
    return {
        element,
        update(one) {
            const n = counts(one), running = one.state === "running";
            state.update(one.state, inbox(one) ? "open" : CRAWL_STATES[one.state]);
            progress.update(one);
            put(share, `${percent(one)} %`);
            put(how, wanted(one));
            put(pages, text.number(n.stored));
            set(pages, "title", said(n));
            put(rate, running && one.ratePerMinute > 0 ? text.number(Math.round(one.ratePerMinute)) : "");
            begun.update(one.startedAt ?? one.createdAt);
        },
    };
}

const SCOPES = { host: "one host", subdomains: "with subdomains", domain: "one domain", any: "any host" };

/* "depth 2, at most 500 pages, one host" */
export function wanted(crawl) {
    const parts = [Number.isFinite(crawl.depth) && `depth ${crawl.depth}`, crawl.limit && `at most ${text.number(crawl.limit)} pages`,
        SCOPES[crawl.scope], crawl.run > 1 && `run ${crawl.run}`];
    return parts.filter(Boolean).join(", ");
}
