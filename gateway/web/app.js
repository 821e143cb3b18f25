// The frame: which view belongs to the address, what the gateway is doing, and that time goes on.
import { h, put, say, set } from "./dom.js";
import { get, link, poll } from "./api.js";
import { tick } from "./parts.js";
import { line } from "./text.js";
import home from "./home.js";
import crawl from "./crawl.js";
import page from "./page.js";
import search from "./search.js";

const ROUTES = [
    [/^\/$/, home],
    [/^\/crawl\/([^/]+)$/, crawl],
    [/^\/page\/([^/]+)$/, page],
    [/^\/search$/, search],
];

const main = document.getElementById("main");
let known = false; // whether anything has been heard of the line
let view = null; // an AbortController: what belongs to the view in sight ends with it

export function title(words) {
    document.title = words ? `${line(words, 80)} – Gistmill` : "Gistmill";
}

function route(first) {
    const [path, parameters] = (location.hash.replace(/^#/, "") || "/").split(/\?(.*)/s);
    if (!path.startsWith("/")) return;
    view?.abort();
    view = new AbortController();
    main.replaceChildren();
    const found = ROUTES.map(([pattern, make]) => [pattern.exec(path), make]).find(([match]) => match);
    for (const a of document.querySelectorAll("nav a")) set(a, "aria-current", a.hash === `#${path}` && "page");
    title("");
    if (found) {
        let argument = found[0][1];
        try {
            argument = argument && decodeURIComponent(argument);
        } catch {
            // It is what it is.
        }
        found[1]({ main, signal: view.signal, argument, query: new URLSearchParams(parameters), title });
    } else {
        main.append(h("h1", {}, "Nothing is here"), h("p", { class: "empty" }, "There is no such view. ", h("a", { href: "#/" }, "All crawls")));
    }
    if (!first) {
        main.focus({ preventScroll: true });
        scrollTo(0, 0);
    }
}

// The gateway is away: said once, counted down, taken back as soon as it answers.
function watchLink() {
    const banner = document.getElementById("away");
    let timer = 0;
    const show = () => {
        const { ok, until, why } = link.state;
        banner.hidden = ok;
        document.getElementById("health").hidden = !ok || !known;
        if (ok) return clearInterval(timer);
        const s = Math.max(0, Math.ceil((until - Date.now()) / 1000));
        const what = why === "busy" ? "The gateway asks for a pause" : "The gateway is away";
        put(banner, s > 0 ? `${what}. Trying again in ${s} s.` : `${what}. Trying again now.`);
    };
    link.addEventListener("change", () => {
        clearInterval(timer);
        if (link.state.ok) {
            if (!banner.hidden) say("The gateway is back.");
        } else {
            timer = setInterval(show, 250);
        }
        // A stream that is cut and back at once is nothing to talk about.
        if (link.state.ok || !banner.hidden) show();
    });
}

// Programs of the line, in the header's corner.
function watchHealth(signal) {
    const element = document.getElementById("health");
    poll(async () => {
        const { data } = await get("/v1/status", { signal });
        const missing = ["fetcher", "parser", "summarizer", "writer"].filter((name) => !data.processes?.some((one) => one.program === name));
        const waiting = (data.processes ?? []).filter((one) => one.why);
        element.hidden = false;
        known = true;
        set(element, "data-state", missing.length > 0 ? "error" : waiting.length > 0 ? "paused" : "running");
        put(element, missing.length > 0 ? `no ${missing.join(", no ")}` : waiting.length > 0 ? "line waits" : "line is up");
        set(element, "title", missing.length > 0 ? "These programs have not been seen lately." : waiting.map((one) => `${one.program}: ${one.why}`).join("\n") || null);
    }, 5000, signal, () => {
        element.hidden = true;
        known = false;
    });
}

document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
});
addEventListener("hashchange", () => route(false));
watchLink();
watchHealth(new AbortController().signal);
setInterval(tick, 1000);
route(true);
