// One page: ask for its summary and see it come.
import { h, put, say, set } from "./dom.js";
import { get, poll, post, query } from "./api.js";
import { chip, out, problem } from "./parts.js";
import { CODES } from "./codes.js";
import * as text from "./text.js";

const STEPS = ["registered", "scheduled", "fetched", "parsed", "stored"];
const WORDS = { registered: "waits", scheduled: "fetching", taken: "fetching", fetched: "reading", parsed: "summing up", calculated: "storing", stored: "ready",
    parsing: "reading", awaiting: "summing up", summarizing: "summing up", storing: "storing", fetching: "fetching" };
// Where in STEPS each stage is.
const PLACE = { registered: 0, scheduled: 1, taken: 1, fetched: 2, parsed: 3, calculated: 3, stored: 4, fetching: 1, parsing: 2, awaiting: 3, summarizing: 3, storing: 3 };
const EACH = 700;

export function oneUrl(signal) {
    const input = h("input", { type: "text", id: "one-url", inputmode: "url", autocomplete: "url", autocapitalize: "off", spellcheck: "false", required: true,
        placeholder: "https://example.org/article.html" });
    const button = h("button", { class: "main" }, "Summarise");
    const answer = h("div", { class: "answer", "aria-live": "polite" });
    const form = h("form", { class: "card", id: "one-form", novalidate: true, "aria-labelledby": "one-title" },
        h("h2", { id: "one-title" }, "Summary of one page"),
        h("div", { class: "field" }, h("label", { for: "one-url" }, "Its URL"), h("div", { class: "with-button" }, input, button)),
        answer);
    answer.append(h("p", { class: "hint" }, "It goes before everything else. What is known already is answered at once."));
    let asking = null;
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        const url = text.typed(input.value);
        if (!text.safe(url)) {
            answer.replaceChildren(h("p", { class: "fault" }, "This is no web address."));
            return input.focus();
        }
        asking?.abort();
        asking = new AbortController();
        signal.addEventListener("abort", () => asking.abort());
        watch(url, answer, asking.signal, form);
    });
    return form;
}

function watch(url, answer, signal, form) {
    const state = chip(), steps = h("ol", { class: "steps", "aria-hidden": "true" }, STEPS.map((step) => h("li", {}, WORDS[step])));
    const why = h("p", { class: "hint", hidden: true });
    answer.replaceChildren(h("p", { class: "answer-head" }, state.element, out(url, text.shown(url, 80), { class: "muted" })), steps, why);
    const show = (said) => {
        const stage = WORDS[said.now?.stage] ? said.now.stage : said.stage;
        state.update("running", WORDS[stage] ?? "queued");
        const place = PLACE[stage] ?? 0;
        [...steps.children].forEach((step, i) => set(step, "data-done", i < place ? "yes" : i === place ? "now" : null));
        why.hidden = !said.why;
        put(why, typeof said.why === "string" ? said.why : "");
    };
    const open = { allow: [404], signal };
    let queued = false;
    show({ stage: "registered" });
    set(form, "aria-busy", "true");
    poll(async () => {
        const said = queued ? await get(query("/v1/summary", { url }), open) : await post("/v1/summary", { url, wait: 0 }, open);
        queued = true;
        if (said.state === "ready") answer.replaceChildren(ready(said));
        else if (said.state === "failed") answer.replaceChildren(failed(said));
        else return show(said);
        set(form, "aria-busy", null);
        say(said.state === "ready" ? "The summary is ready." : "There is no summary of this page.");
        return false;
    }, EACH, signal, (error) => answer.replaceChildren(problem(error)));
}

const pageLink = (said, words) => said.page && h("a", { href: `#/page/${encodeURIComponent(said.page?.id ?? said.page)}` }, words);

function ready(said) {
    const parts = [said.engine === "extractive" ? "extractive" : text.line(said.model ?? said.engine, 60), said.words && `${text.number(said.words)} words read`];
    return h("article", { class: "gist", lang: text.language(said.lang), dir: "auto" },
        h("h3", {}, text.line(said.title, 200) || text.shown(said.url)),
        text.clean(said.summary).split("\n").filter(Boolean).map((one) => h("p", {}, one)),
        h("p", { class: "hint", lang: "en", dir: "ltr" }, parts.filter(Boolean).join(", "), " ", pageLink(said, "All about this page")));
}

function failed(said) {
    return h("div", {}, h("p", { class: "fault" }, [said.code ?? "It failed", CODES[said.code], text.line(said.detail, 200)].filter(Boolean).join(": ")),
        h("p", { class: "hint" }, said.attempts > 1 && `Tried ${text.number(said.attempts)} times. `, pageLink(said, "All about this page")));
}
