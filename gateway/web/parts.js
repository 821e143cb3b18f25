// Pieces that more than one view is made of.
import { h, put, set } from "./dom.js";
import { key, now } from "./api.js";
import { STAGES } from "./stages.js";
import * as text from "./text.js";

// What people read for states, and the colour they have everywhere.
export const CRAWL_STATES = {
    queued: "queued", running: "running", paused: "paused", cancelling: "stopping", completed: "completed", cancelled: "cancelled", failed: "failed",
};

/* The parts of a crawl's bar, in their order. */
export const PARTS = [
    ["stored", "stored", (n) => n.stored],
    ["skipped", "skipped", (n) => n.skipped],
    ["error", "failed", (n) => n.error],
    ["cancelled", "cancelled", (n) => n.cancelled],
    ["scheduled", "under way", (n) => n.scheduled],
    ["registered", "waiting", (n) => n.registered],
];

export function counts(crawl) {
    const none = { admitted: 0, registered: 0, scheduled: 0, stored: 0, skipped: 0, error: 0, cancelled: 0 };
    for (const stage of Object.keys(STAGES)) none[stage] = 0;
    return { ...none, ...crawl.counts };
}

/* Share of pages that are through, 0 … 100, never 100 before the last one. */
export function percent(crawl) {
    const n = counts(crawl);
    if (n.admitted === 0) return crawl.state === "completed" ? 100 : 0;
    const done = n.stored + n.skipped + n.error + n.cancelled;
    return done === n.admitted ? 100 : Math.min(99, Math.floor(done / n.admitted * 100));
}

/* A bar of a crawl's pages by state. wide: one with a role of its own, for the crawl's view. */
export function bar(label) {
    const pieces = PARTS.map(([name]) => h("span", { class: `bar-${name}` }));
    const element = h("div", { class: "bar", role: "progressbar", "aria-label": label, "aria-valuemin": 0, "aria-valuemax": 100 }, pieces);
    return {
        element,
        update(crawl) {
            const n = counts(crawl);
            PARTS.forEach(([, , value], i) => {
                const share = value(n);
                pieces[i].style.flexGrow = String(share);
                pieces[i].hidden = share === 0;
            });
            set(element, "aria-valuenow", percent(crawl));
            set(element, "aria-valuetext", `${percent(crawl)} %: ${said(n)}`);
        },
    };
}

/* "12 stored, 3 failed" */
export function said(n) {
    const parts = PARTS.filter(([, , value]) => value(n) > 0).map(([, word, value]) => `${text.number(value(n))} ${word}`);
    return parts.length > 0 ? parts.join(", ") : "no page yet";
}

/* A word with a dot of its colour. */
export function chip() {
    const word = h("span");
    const element = h("span", { class: "chip" }, h("i", { "aria-hidden": "true" }), word);
    return {
        element,
        update(state, words) {
            set(element, "data-state", state);
            put(word, words ?? state);
        },
    };
}

/* "3 min ago", with the moment itself on hover; kept up to date by tick(). */
export function time(value, words) {
    const element = h("time");
    const update = (to, said_) => {
        const known = !Number.isNaN(text.at(to));
        set(element, "datetime", known ? to : null);
        set(element, "title", known ? text.absolute(to) : null);
        put(element, known ? said_ ?? text.ago(to, now()) : "–");
        set(element, "data-ago", known && !said_);
    };
    update(value, words);
    return { element, update };
}

export function tick() {
    for (const element of document.querySelectorAll("time[data-ago]")) put(element, text.ago(element.getAttribute("datetime"), now()));
}

/* A link to a page out there; plain text if its URL is no web address. */
export function out(url, words, props = {}) {
    const href = text.safe(url);
    const label = words ?? text.shown(url);
    return href ? h("a", { href, rel: "noopener noreferrer external", target: "_blank", ...props }, label, h("span", { class: "sr" }, " (opens the site)"))
        : h("span", props, label);
}

export function loading(words = "Loading") {
    return h("p", { class: "empty loading", role: "status" }, words, "…");
}

export function empty(...words) {
    return h("p", { class: "empty" }, words);
}

/* Why something did not work, in place of what should be there. again: what a button for another try does. */
export function problem(error, again) {
    if (error.status === 401 || error.status === 403 && error.code === "FORBIDDEN_HOST") return door(error, again);
    return h("div", { class: "problem", role: "alert" }, h("p", {}, text.sentence(error.message)),
        again && h("button", { type: "button", onclick: again }, "Try again"));
}

/* This gateway wants a key. */
function door(error, again) {
    const input = h("input", { id: "key", type: "password", autocomplete: "off", required: true, spellcheck: "false" });
    return h("form", {
        class: "problem door",
        onsubmit: (event) => {
            event.preventDefault();
            key.set(input.value.trim());
            (again ?? (() => location.reload()))();
        },
    }, h("p", { role: "alert" }, key.get() ? "The gateway does not know this key." : "This gateway asks for a key."),
    h("label", { for: "key" }, "API key"), h("div", { class: "with-button" }, input, h("button", { class: "main" }, "Use it")),
    h("p", { class: "hint" }, `${text.sentence(error.message)} The key stays in this tab until you close it; gateway --add-key NAME makes one.`));
}

/* A labelled figure: {element, update(text, title)}. */
export function figure(label) {
    const value = h("dd");
    const element = h("div", { class: "fact" }, h("dt", {}, label), value);
    return {
        element,
        value,
        update(words, title) {
            element.hidden = words === null;
            put(value, words ?? "");
            set(value, "title", title);
        },
    };
}

/* Asks before what cannot be undone. Resolves to true or false. */
export function ask(question, detail, yes) {
    return new Promise((resolve) => {
        const dialog = h("dialog", { class: "ask", "aria-labelledby": "ask-title" },
            h("form", { method: "dialog" }, h("h2", { id: "ask-title" }, question), h("p", {}, detail),
                h("div", { class: "buttons" }, h("button", { value: "no", autofocus: true }, "Go back"), h("button", { value: "yes", class: "danger" }, yes))));
        dialog.addEventListener("close", () => {
            dialog.remove();
            resolve(dialog.returnValue === "yes");
        });
        document.body.append(dialog);
        dialog.showModal();
    });
}
