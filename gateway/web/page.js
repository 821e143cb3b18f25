// One page: its summary, its article, what is known about it, and what happened to it when.
import { h, set } from "./dom.js";
import { get, poll, query as path } from "./api.js";
import { chip, empty, loading, out, problem, time } from "./parts.js";
import { endedPage } from "./order.js";
import { CODES } from "./codes.js";
import { WORDS } from "./pages.js";
import { STAGES } from "./stages.js";
import * as text from "./text.js";

const STEPS = [["registered", "Registered", "its URL became known"], ["scheduled", "Released", "allowed to be fetched"], ["taken", "Taken", "by a fetcher"],
    ["fetched", "Fetched", "the server's answer is here"], ["parsed", "Parsed", "article, metadata, links"], ["calculated", "Summed up", "the summary is written"]];
const EACH = 1000;
const PARAGRAPHS = 2000; // of an article; more is a click away

export default function page({ main, signal, argument: id, title }) {
    main.append(loading());
    let before = "";
    poll(async () => {
        const { data } = await get(`/v1/page/${encodeURIComponent(id)}`, { signal });
        title(text.line(data.title, 80) || text.shown(data.url, 80));
        const same = JSON.stringify(data);
        if (same !== before) show(main, data);
        before = same;
        return endedPage(data) ? false : EACH;
    }, EACH, signal, (error) => main.replaceChildren(error.status === 404 ? gone() : problem(error, () => location.reload())));
}

function gone() {
    return h("div", {}, h("h1", {}, "No such page"), h("p", { class: "empty" }, "Its crawl may have been deleted. ", h("a", { href: "#/" }, "All crawls")));
}

function show(main, one) {
    const state = chip(), lang = text.language(one.lang);
    state.update(one.state, STAGES[one.now?.stage] ?? WORDS[endedPage(one) ? one.state : one.stage] ?? one.state);
    const name = text.line(one.title, 240) || text.shown(one.url);
    main.replaceChildren(
        h("div", { class: "head" },
            h("div", {}, h("p", { class: "crumb" }, h("a", { href: "#/" }, "Crawls"), " / ", h("a", { href: `#/crawl/${encodeURIComponent(one.crawl)}` }, "its crawl")),
                h("h1", { lang, dir: "auto", class: name.length > 90 && "long" }, name), h("p", { class: "sub" }, out(one.url))),
            h("p", { class: "states" }, state.element, one.now?.since && [" since ", time(one.now.since).element])),
        trouble(one) ?? "",
        h("div", { class: "reading" },
            h("div", { class: "reading-main" }, gist(one, lang), article(one, lang), attempts(one)),
            h("aside", { "aria-label": "About this page" }, timeline(one), about(one))),
    );
}

// Why there is no summary, or why it is not the wanted one.
function trouble(one) {
    const why = explain(one.why), failed = one.state === "error";
    if (!failed && one.state !== "skipped" && !why && !one.reason) return null;
    const meaning = CODES[one.code], detail = text.line(one.detail, 500);
    const words = one.code && one.code !== "OK" ? [h("b", { class: "code" }, one.code), meaning && ` ${meaning}`, detail && `: ${detail}`].filter(Boolean) : [];
    return h("div", { class: "card notice", "data-state": one.state },
        words.length > 0 && h("p", {}, words),
        why && h("p", {}, why),
        one.reason && h("p", {}, "The summary is the built-in engine's: ", h("b", { class: "code" }, text.line(one.reason, 60)), CODES[one.reason] && ` ${CODES[one.reason]}`),
        one.redirect && h("p", {}, "It points to ", out(one.redirect), "."));
}

/* What the gateway says a page waits for, or why it ended so: a sentence, or an object with one. */
function explain(why) {
    if (typeof why === "string") return text.line(why, 500);
    if (!why || typeof why.why !== "string") return null;
    return [text.line(why.why, 500), why.until && [", until ", time(why.until).element], "."];
}

function gist(one, lang) {
    const body = text.clean(one.summary).split("\n").filter((part) => part.trim() !== "");
    if (body.length === 0 && endedPage(one)) return null;
    const engine = [one.engine === "extractive" ? "Sentences of the article, picked by the built-in engine" : one.engine && `Written by ${text.line(one.model ?? one.engine, 80)}`,
        one.tokens && (one.tokens.prompt ?? 0) + (one.tokens.completion ?? 0) > 0 && `${text.number((one.tokens.prompt ?? 0) + (one.tokens.completion ?? 0))} tokens`,
        one.costUsd > 0 && text.money(one.costUsd)].filter(Boolean);
    return h("section", { "aria-labelledby": "summary-title", class: "card gist" }, h("h2", { id: "summary-title" }, "Summary"),
        body.length > 0 ? h("div", { lang, dir: "auto", class: "prose" }, body.map((part) => h("p", {}, part)))
            : empty("It is on its way."),
        body.length > 0 && engine.length > 0 && h("p", { class: "hint" }, `${engine.join(", ")}.`));
}

function article(one, lang) {
    const parts = text.clean(one.article).split(/\n{2,}/).filter((part) => part.trim() !== "");
    if (parts.length === 0) return null;
    const body = h("div", { lang, dir: "auto", class: "prose article" });
    const add = (from) => body.append(...parts.slice(from, from + PARAGRAPHS).map((part) => h("p", {}, part)));
    add(0);
    let shown = PARAGRAPHS;
    const more = parts.length > PARAGRAPHS && h("button", { type: "button", onclick: () => {
        add(shown);
        shown += PARAGRAPHS;
        more.hidden = shown >= parts.length;
    } }, "The rest of it");
    return h("section", { "aria-labelledby": "article-title" }, h("h2", { id: "article-title" }, "Article"), body, more);
}

// Timeline ---------------------------------------------------------------------------------------------------------------------------------

function timeline(one) {
    const times = one.times ?? {}, end = times.ended ?? times.stored;
    const known = STEPS.filter(([stage]) => times[stage]).map(([stage, name, hint]) => ({ name, hint, time: times[stage], stage }));
    if (end) known.push({ name: ({ stored: "Stored", skipped: "Skipped", error: "Given up", cancelled: "Cancelled" })[one.state] ?? "Ended", time: end, stage: "ended", hint: "" });
    // A page that is tried again keeps times of the try before; the order is that of the clock.
    known.sort((a, b) => text.at(a.time) - text.at(b.time));
    const whole = Math.max(...known.slice(1).map((step, i) => text.at(step.time) - text.at(known[i].time)), 1);
    const steps = known.map((step, i) => {
        const ms = i > 0 ? text.at(step.time) - text.at(known[i - 1].time) : NaN;
        const bar = h("span", { class: "lapse", "aria-hidden": "true" });
        if (ms >= 0) bar.style.inlineSize = `${Math.max(1.5, ms / whole * 100)}%`;
        return h("li", { "data-stage": step.stage, "data-state": step.stage === "ended" && one.state }, h("span", { class: "step" }, step.name),
            h("time", { datetime: step.time, title: text.absolute(step.time) }, text.clock(step.time)),
            Number.isFinite(ms) && h("span", { class: "span n" }, h("span", { class: "sr" }, "after "), text.duration(ms)), Number.isFinite(ms) && bar);
    });
    return h("section", { "aria-labelledby": "time-title", class: "card" }, h("h2", { id: "time-title" }, "Timeline"),
        steps.length > 0 ? h("ol", { class: "timeline" }, steps) : empty("Nothing has happened yet."));
}

// Facts ------------------------------------------------------------------------------------------------------------------------------------

function about(one) {
    const site = text.line(one.site, 120);
    const rows = [
        ["Author", text.line(one.byline, 160)], ["Published", text.line(one.published, 60)], ["Site", site], ["Language", text.line(one.lang, 20)],
        ["Words", one.words > 0 && text.number(one.words)], ["Size", Number.isFinite(one.bytes) && text.bytes(one.bytes)],
        ["HTTP", one.status > 0 && String(one.status)], ["Depth", Number.isFinite(one.depth) && String(one.depth)],
        ["Found on", one.parent && out(one.parent, text.shown(one.parent, 70))],
        ["Canonical", one.canonical && one.canonical !== one.url && out(one.canonical, text.shown(one.canonical, 70))],
        ["In this run", text.line(one.news, 20)], ["Excerpt", text.line(one.excerpt, 300)],
    ].filter(([, value]) => value);
    return h("section", { "aria-labelledby": "about-title", class: "card" }, h("h2", { id: "about-title" }, "About"),
        h("dl", { class: "about" }, rows.map(([label, value]) => [h("dt", {}, label), h("dd", { dir: "auto" }, value)])));
}

function attempts(one) {
    const log = one.attemptsLog ?? [];
    if (log.length === 0) return null;
    return h("section", { "aria-labelledby": "tries-title" }, h("h2", { id: "tries-title" }, "Attempts"),
        h("table", { class: "list tries" }, h("caption", { class: "sr" }, "What each attempt came to"),
            h("thead", {}, h("tr", {}, [["When", ""], ["Code", ""], ["What", "grow"], ["HTTP", "n"], ["Size", "n"], ["Took", "n"]].map(([words, kind]) =>
                h("th", { scope: "col", class: kind }, words)))),
            h("tbody", {}, log.map((tried) => h("tr", {}, h("td", { class: "when" }, time(tried.at).element), h("td", { class: "code" }, tried.code),
                h("td", { class: "grow", dir: "auto" }, text.line(tried.detail, 300)), h("td", { class: "n", "data-label": "HTTP" }, tried.status ? String(tried.status) : ""),
                h("td", { class: "n", "data-label": "Size" }, Number.isFinite(tried.bytes) && tried.bytes !== null ? text.bytes(tried.bytes) : ""),
                h("td", { class: "n", "data-label": "Took" }, Number.isFinite(tried.ms) && tried.ms !== null ? text.duration(tried.ms) : ""))))));
}
