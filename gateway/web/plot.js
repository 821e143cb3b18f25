// Pages that ended, over time: bars of a width that people can name.
import { h, put, s, set } from "./dom.js";
import * as text from "./text.js";

const WIDTHS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400]; // seconds
const BARS = 72;
const W = 1120, H = 112, TOP = 1;
const KEPT = 100_000; // ends that are remembered one by one

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/* {element, add(page), draw(until)}: until is the present for what is still running, else null. */
export default function plot() {
    const seconds = new Map(); // second → [stored, others]
    const counted = new Set(); // page and moment: the same end is told by the list and by the stream
    let from = Infinity, to = -Infinity;
    const svg = s("svg", { viewBox: `0 0 ${W} ${H}`, class: "plot", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" });
    const top = h("span", { class: "plot-top" }), begin = h("span"), end = h("span"), words = h("figcaption", { class: "hint" });
    const element = h("figure", { class: "rate", hidden: true }, h("div", { class: "plot-frame" }, top, svg), h("div", { class: "plot-feet", "aria-hidden": "true" }, begin, end), words);

    function add(page) {
        const time = page.times?.ended ?? page.times?.stored, second = Math.floor(text.at(time) / 1000), once = `${page.id} ${time}`;
        if (!Number.isFinite(second) || counted.has(once)) return;
        if (counted.size < KEPT) counted.add(once);
        const pair = seconds.get(second) ?? [0, 0];
        pair[page.state === "stored" ? 0 : 1]++;
        seconds.set(second, pair);
        from = Math.min(from, second);
        to = Math.max(to, second);
    }

    function draw(until) {
        element.hidden = seconds.size === 0;
        if (element.hidden) return;
        const last = Math.max(to, until ? Math.floor(until / 1000) : to);
        const width = WIDTHS.find((one) => (last - from) / one < BARS) ?? WIDTHS.at(-1);
        const first = Math.floor(from / width), bars = Math.max(12, Math.floor(last / width) - first + 1);
        const sums = Array.from({ length: bars }, () => [0, 0]);
        for (const [second, pair] of seconds) {
            const sum = sums[Math.floor(second / width) - first];
            if (!sum) continue;
            sum[0] += pair[0];
            sum[1] += pair[1];
        }
        const most = Math.max(...sums.map(([a, b]) => a + b), 1);
        const step = W / bars, scale = (H - TOP) / most;
        svg.replaceChildren(...[0.5, 1].map((share) => s("line", { class: "grid", x1: 0, x2: W, y1: H - (H - TOP) * share, y2: H - (H - TOP) * share })),
            ...sums.flatMap(([stored, others], i) => stored + others === 0 ? [] : [s("g", {},
                s("title", {}, `${CLOCK.format((first + i) * width * 1000)}: ${text.number(stored)} stored, ${text.number(others)} others in ${text.duration(width * 1000)}`),
                s("rect", { class: "hit", x: i * step, y: 0, width: step, height: H }),
                s("rect", { class: "bar-others", x: i * step + 1, y: H - (stored + others) * scale, width: Math.max(1, step - 2), height: others * scale }),
                s("rect", { class: "bar-stored", x: i * step + 1, y: H - stored * scale, width: Math.max(1, step - 2), height: stored * scale }))]));
        put(top, `${text.number(Math.round(most * 60 / width))} a minute`);
        const format = last - from > 86400 ? DAY : CLOCK;
        put(begin, format.format(first * width * 1000));
        put(end, format.format(Math.min((first + bars) * width, Math.max(last, (first + bars) * width)) * 1000));
        const all = sums.reduce((sum, [a, b]) => sum + a + b, 0);
        put(words, `Pages that ended, each bar ${text.duration(width * 1000).replace(/\.0 s$/, " s")}; ${text.number(all)} in sight.`);
        set(svg, "data-bars", bars);
    }

    return { element, add, draw };
}
