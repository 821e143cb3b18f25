// One crawl: how far it is, the line, its pace, what one can do to it, its pages.
import { h, put, say, set } from "./dom.js";
import { call, follow, get, key, now, poll, post, query as path } from "./api.js";
import { ask, bar, chip, counts, CRAWL_STATES, figure, loading, out, PARTS, percent, problem, said, time } from "./parts.js";
import { ended, final, laterCrawl } from "./order.js";
import { inbox, name, wanted } from "./home.js";
import line from "./line.js";
import pages from "./pages.js";
import plot from "./plot.js";
import { spread } from "./stages.js";
import * as text from "./text.js";

const REDRAW = 250;     // events of a fast crawl are shown together
const STATUS = 2000;
const SPOKEN = 20_000;  // a screen reader hears of progress at most so often
const HOUR = 3_600_000;
const BACKFILL = 1000;  // pages whose ends the plot begins with

// Outcomes that another try may mend.
const RETRIED = ["HTTP_5XX", "TIMEOUT", "CONNECT_FAIL", "DNS_FAIL", "RATE_LIMITED", "HTTP_4XX", "TLS", "BAD_RESPONSE", "ROBOTS_UNAVAILABLE", "HOST_DOWN", "LOST"];

export default function crawl({ main, signal, argument: id, query, title }) {
    const base = `/v1/crawl/${encodeURIComponent(id)}`;
    main.append(loading());
    let current = null, status = null, view = null, waiting = [], timer = 0, spoken = 0, heard = 0;

    function take(next, sure) {
        const before = current;
        current = laterCrawl(current, next, sure);
        if (!view) {
            view = build({ id, base, query, signal, first: current, act, latest: () => current });
            main.replaceChildren(...view.elements);
        }
        if (before && !ended(before) && ended(current)) say(`The crawl is ${CRAWL_STATES[current.state]}: ${said(counts(current))}.`);
        later();
    }

    // All that came since the last time is drawn at once.
    function later() {
        if (timer || signal.aborted) return;
        timer = setTimeout(() => {
            timer = 0;
            if (signal.aborted) return;
            view.update(current, status);
            if (waiting.length > 0) view.pages.event(waiting.splice(0));
            title(ended(current) || current.state === "queued" ? name(current) : `${percent(current)} % ${name(current)}`);
            if (current.state === "running" && Date.now() - spoken > SPOKEN) {
                spoken = Date.now();
                say(`${percent(current)} percent: ${said(counts(current))}.`);
            }
        }, view.drawn ? REDRAW : 0);
    }

    /* An action of a person: its answer is the latest that is known. */
    async function act(method, where, words) {
        try {
            const answer = await call(method, where, { signal });
            say(words(answer));
            if (answer.data) take(answer.data, true);
            wake();
            return answer;
        } catch (error) {
            if (!signal.aborted) view.complain(error.message);
            return null;
        }
    }

    // The stream: from `start` on nothing is missed; what ended before is in the list that is asked for then.
    let following = false;
    async function listen() {
        if (following || signal.aborted) return;
        following = true;
        let begun = false;
        await follow(path(`${base}/events`, { after: current.event }), {
            signal,
            take(events) {
                for (const { event, data } of events) {
                    if (event === "page") {
                        waiting.push(data);
                        view?.plot.add(data);
                    } else if (event === "start" || event === "progress" || event === "done") {
                        take(data);
                    }
                }
                heard++;
                if (view) later();
                if (!begun && view) {
                    begun = true;
                    view.begin();
                }
            },
            state: (live) => view?.live(live && !ended(current)),
            failed: (error) => main.replaceChildren(problem(error, () => location.reload())),
        });
        following = false;
        if (view && !signal.aborted) view.pages.reload();
    }

    /* Looks whether it runs again: after an action, and now and then. */
    const woken = new EventTarget();
    function wake() {
        woken.dispatchEvent(new Event("wake"));
    }

    poll(async () => {
        const asked = heard;
        const answer = await get(base, { signal });
        // Nothing has been heard since it was asked for: so it is the latest.
        take(answer.data, asked === heard);
        if (!following && !ended(current)) listen();
        else if (!following) view.begin();
        return ended(current) ? 6000 : 3000;
    }, 3000, signal, (error) => main.replaceChildren(error.status === 404 ? gone() : problem(error, () => location.reload())), woken);
    poll(async () => {
        status = (await get("/v1/status", { signal })).data;
        if (view) {
            view.update(current, status);
            if (!ended(current)) await view.pages.refresh();
        }
    }, STATUS, signal);
    // The present moves on in the plot, too.
    const clock = setInterval(() => view && !ended(current) && view.pace(current), 1000);
    signal.addEventListener("abort", () => {
        clearInterval(clock);
        clearTimeout(timer);
    });
}

function gone() {
    return h("div", {}, h("h1", {}, "No such crawl"), h("p", { class: "empty" }, "It may have been deleted. ", h("a", { href: "#/" }, "All crawls")));
}

function build({ id, base, query, signal, first, act, latest }) {
    const state = chip(), live = h("span", { class: "live", hidden: true }, "live"), begun = time(), finished = time();
    const picture = line(signal), rate = plot(), fault = h("p", { class: "fault", role: "alert", hidden: true });
    const progress = bar("Progress"), share = h("p", { class: "big" });
    const why = h("p", { class: "why", hidden: true });
    const legend = PARTS.map(([part, word, of]) => {
        const many = h("b", { class: "n" });
        const button = h("button", { type: "button", class: `legend legend-${part}`, onclick: () => {
            view.pages.change({ state: part, code: "" });
            view.pages.element.scrollIntoView({ block: "start" });
        } }, h("i", { "aria-hidden": "true" }), many, " ", word);
        const update = (n) => {
            put(many, text.number(of(n)));
            button.hidden = of(n) === 0;
            if (part === "scheduled") set(button, "title", spread(n, text.number));
        };
        return { element: button, update };
    });
    const facts = { pace: figure("Per minute"), eta: figure("About left"), elapsed: figure("Took"), tokens: figure("Tokens"), cost: figure("Cost"), news: figure("This run") };
    const controls = control({ id, base, act, signal });
    const list = pages(id, query, signal, (codes) => controls.codes(codes));
    const how = h("p", { class: "sub" });
    const view = {
        drawn: false,
        elements: [
            h("div", { class: "head" },
                h("div", {}, h("p", { class: "crumb" }, h("a", { href: "#/" }, "Crawls")), h("h1", { dir: "auto" }, name(first)), how),
                h("p", { class: "states" }, live, state.element)),
            h("section", { class: "card progress-card", "aria-label": "Progress" },
                h("div", { class: "progress-head" }, share, h("dl", { class: "facts" }, Object.values(facts).map((one) => one.element))),
                progress.element, h("div", { class: "legends" }, legend.map((one) => one.element)), why, controls.element, fault),
            h("section", { class: "card", "aria-labelledby": "line-title" }, h("h2", { id: "line-title" }, "The line"), picture.element),
            h("section", { class: "card rate-card", "aria-labelledby": "rate-title", hidden: true }, h("h2", { id: "rate-title" }, "Pace"), rate.element),
            list.element,
        ],
        pages: list,
        plot: rate,
        live: (on) => { live.hidden = !on; },
        complain(words) {
            put(fault, text.sentence(words));
            fault.hidden = false;
        },
        update(crawl, status) {
            const n = counts(crawl);
            view.drawn = true;
            state.update(crawl.state, inbox(crawl) ? "open" : CRAWL_STATES[crawl.state]);
            progress.update(crawl);
            put(share, `${percent(crawl)} %`);
            for (const one of legend) one.update(n);
            picture.update(crawl, status);
            details(crawl, n);
            controls.update(crawl);
            view.pace(crawl);
        },
        // Of this run; of what never ends, the last hour.
        pace(crawl) {
            rate.draw(inbox(crawl) ? now() - HOUR : text.at(crawl.startedAt), ended(crawl) ? null : now());
            view.elements[3].hidden = rate.element.hidden;
        },
        begin: once(async () => {
            list.reload();
            // The plot begins with what has ended before.
            await poll(async () => {
                const answer = await get(path(`${base}/pages`, { sort: "-ended", limit: BACKFILL }), { signal });
                for (const page of answer.data) rate.add(page);
                view.pace(latest());
                return false;
            }, 0, signal);
        }),
    };
    function details(crawl, n) {
        const start = crawl.startedAt ?? crawl.createdAt, over = ended(crawl);
        begun.update(start);
        finished.update(crawl.finishedAt);
        how.replaceChildren(...[wanted(crawl), ", started ", begun.element, over && crawl.finishedAt && [", ended ", finished.element]].flat().filter(Boolean));
        const running = crawl.state === "running";
        facts.pace.update(running && crawl.ratePerMinute > 0 ? text.number(Math.round(crawl.ratePerMinute)) : null);
        facts.eta.update(running && Number.isFinite(crawl.etaSeconds) && crawl.etaSeconds !== null ? text.duration(crawl.etaSeconds * 1000) : null);
        put(facts.elapsed.element.firstChild, over ? "Took" : "Runs for");
        facts.elapsed.update(text.duration((over ? text.at(crawl.finishedAt) : now()) - text.at(start)));
        const tokens = (crawl.tokens?.prompt ?? 0) + (crawl.tokens?.completion ?? 0);
        facts.tokens.update(tokens > 0 ? text.short(tokens) : null, `${text.number(crawl.tokens?.prompt)} in, ${text.number(crawl.tokens?.cached)} of them cached, ${text.number(crawl.tokens?.completion)} out`);
        facts.cost.update(crawl.costUsd > 0 ? text.money(crawl.costUsd) : null);
        const news = Object.entries(crawl.news ?? {}).filter(([, many]) => many > 0);
        facts.news.update(crawl.run > 1 && news.length > 0 ? news.map(([word, many]) => `${text.number(many)} ${word}`).join(", ") : null);
        const reason = crawl.error ? `It could not begin: ${text.line(crawl.error, 400)}` : over ? "" : text.line(crawl.why, 300) || (crawl.state === "queued" ? "The writer has not picked it up yet." : "");
        why.hidden = reason === "";
        set(why, "data-state", crawl.error ? "error" : null);
        put(why, reason);
    }
    return view;
}

/* The same function, doing something the first time only. */
function once(act) {
    let done = false;
    return () => {
        if (!done) {
            done = true;
            act();
        }
    };
}

// What one can do ---------------------------------------------------------------------------------------------------------------------------

function control({ id, base, act }) {
    let crawl = null, seen = [];
    const button = (words, click, kind) => h("button", { type: "button", class: kind, hidden: true, onclick: click }, words);
    const busy = (work) => async () => {
        set(element, "aria-busy", "true");
        for (const one of element.querySelectorAll("button")) one.disabled = true;
        await work();
        for (const one of element.querySelectorAll("button")) one.disabled = false;
        set(element, "aria-busy", null);
    };
    const pause = button("Pause", busy(() => act("POST", `${base}/pause`, () => "The crawl is paused.")));
    const resume = button("Resume", busy(() => act("POST", `${base}/resume`, () => "The crawl goes on.")), "main");
    const cancel = button("Cancel…", busy(async () => {
        if (await ask("Cancel this crawl?", "Pages that wait are let go. What is stored stays, and what is under way is still stored.", "Cancel the crawl")) {
            await act("POST", `${base}/cancel`, () => "The crawl is being cancelled.");
        }
    }));
    const again = button("Crawl again", busy(() => act("POST", `${base}/recrawl`, () => "A new run has begun.")));
    const purge = button("Delete…", busy(async () => {
        if (await ask("Delete this crawl?", "Its pages go with it, and articles and summaries that no other crawl has. This cannot be undone.", "Delete everything")) {
            if (await act("DELETE", `${base}?purge=true`, () => "The crawl is deleted.")) location.hash = "#/";
        }
    }));
    const code = h("select", { id: "retry-code" });
    const retry = h("form", { class: "retry", hidden: true, onsubmit: (event) => {
        event.preventDefault();
        busy(() => act("POST", path(`${base}/retry-failed`, { code: code.value }), (answer) => {
            const words = answer.retried === 1 ? "1 page is tried again." : `${text.number(answer.retried)} pages are tried again.`;
            put(told, words);
            return words;
        }))();
    } }, h("label", { for: "retry-code" }, "Try failed ones again"), code, h("button", {}, "Retry"));
    const told = h("span", { class: "hint" });
    const exports = h("span", { class: "exports" }, "Export ", ...[["jsonl", "JSON lines"], ["md", "Markdown"]].flatMap(([format, words], i) => [i > 0 && ", ",
        h("a", { href: path(`${base}/export`, { format }), download: `crawl-${id}.${format}`, onclick: key.get() && ((event) => download(event, path(`${base}/export`, { format }), `crawl-${id}.${format}`)) }, words)]));
    const element = h("div", { class: "controls", role: "group", "aria-label": "Controls" }, pause, resume, again, cancel, purge, retry, told, exports);
    function codes() {
        const options = ["", ...new Set([...seen, ...RETRIED])];
        if ([...code.options].map((one) => one.value).join() !== options.join()) {
            const value = code.value;
            code.replaceChildren(...options.map((one) => h("option", { value: one }, one || "all of them")));
            code.value = value;
        }
    }
    codes();
    return {
        element,
        codes(found) {
            seen = [...found].filter((one) => RETRIED.includes(one));
            codes();
        },
        update(one) {
            crawl = one;
            const n = counts(crawl), over = ended(crawl), open = inbox(crawl);
            pause.hidden = crawl.state !== "running";
            resume.hidden = crawl.state !== "paused";
            cancel.hidden = open || !["queued", "running", "paused"].includes(crawl.state);
            again.hidden = !over || open;
            purge.hidden = !over || open;
            retry.hidden = n.error === 0 || crawl.state === "cancelling";
            exports.hidden = final(n) === 0;
        },
    };
}

// A link cannot carry a key: then the file is fetched first.
async function download(event, where, as) {
    event.preventDefault();
    const response = await fetch(where, { headers: { Authorization: `Bearer ${key.get()}` } });
    const url = URL.createObjectURL(await response.blob());
    h("a", { href: url, download: as }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
