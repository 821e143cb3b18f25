// The line as a picture: what is where, and how deep the queues are. Wide it runs from left to right, on a phone from top to bottom.
import { h, put, s, set } from "./dom.js";
import { counts } from "./parts.js";
import * as text from "./text.js";

const STATIONS = [
    { id: "waiting", name: "frontier", of: (n) => n.registered, unit: "waiting" },
    { id: "fetcher", name: "fetcher", of: (n) => n.fetching, unit: "fetching", program: true },
    { id: "parser", name: "parser", of: (n) => n.parsing, unit: "parsing", program: true },
    // A page whose text a model is being asked for anyway waits beside it.
    { id: "summarizer", name: "summarizer", of: (n) => n.summarizing, unit: "summarizing", beside: (n) => n.awaiting, program: true },
    { id: "writer", name: "writer", of: (n) => n.storing, unit: "storing", program: true },
    { id: "store", name: "PostgreSQL", of: (n) => n.stored, unit: "stored" },
];
// Queues between one station and the next; the last step is a transaction.
const QUEUES = ["url", "html", "article", "summary", null];
const NARROW = matchMedia("(max-width: 52rem)");

const WIDE = { w: 1120, h: 164, box: [118, 74], at: (i) => [2 + i * 199.6, 36] };
const TALL = { w: 320, h: 692, box: [210, 66], at: (i) => [66, 36 + i * 112] };

/* {element, update(crawl, status)} */
export default function line(signal) {
    const holder = h("div", { class: "line-picture" });
    const table = h("tbody");
    const element = h("figure", { class: "line" }, holder,
        h("div", { class: "sr" }, h("table", {}, h("caption", {}, "The line: pages of this crawl at each stage, messages of all crawls in each queue"),
            h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Where"), h("th", { scope: "col" }, "How many"))), table)));
    let draw = null, last = null;
    const build = () => {
        draw = picture(NARROW.matches ? TALL : WIDE, NARROW.matches);
        holder.replaceChildren(draw.element);
        if (last) update(...last);
    };
    function update(crawl, status) {
        last = [crawl, status];
        const state = look(crawl, status);
        draw.update(state);
        table.replaceChildren(...state.rows.map(([where, many]) => h("tr", {}, h("th", { scope: "row" }, where), h("td", {}, many))));
    }
    build();
    NARROW.addEventListener("change", build, { signal });
    return { element, update };
}

/* What the picture shows, as figures. */
function look(crawl, status) {
    const n = counts(crawl);
    const queues = Object.fromEntries((status?.queues ?? []).map((one) => [one.name, one]));
    const depth = (name) => {
        const both = [queues[name], queues[`${name}.express`]].filter(Boolean);
        return both.length === 0 ? null : both.reduce((sum, one) => sum + (one.ready ?? 0) + (one.unacked ?? 0), 0);
    };
    const moving = crawl.state === "running" && crawl.ratePerMinute > 0;
    const stations = STATIONS.map((one) => {
        const running = (status?.processes ?? []).filter((process) => process.program === one.name);
        const hand = running.reduce((sum, process) => sum + (process.inHand ?? 0), 0);
        return {
            many: one.of(n), beside: one.beside?.(n) ?? 0, moving, running: one.program && status ? running.length : null,
            why: running.map((process) => process.why).find(Boolean) ?? null, hand,
        };
    });
    const depths = QUEUES.map((name) => name && depth(name));
    const rows = [["queue seed", text.number(depth("seed") ?? NaN)]];
    STATIONS.forEach((one, i) => {
        const { running, beside } = stations[i];
        rows.push([one.name, [`${text.number(stations[i].many)} ${one.unit}`, beside > 0 && `${text.number(beside)} awaiting`, running !== null && `${running} running`].filter(Boolean).join("; ")]);
        if (QUEUES[i]) rows.push([`queue ${QUEUES[i]}`, text.number(depths[i] ?? NaN)]);
    });
    return { stations, depths, seed: depth("seed"), rows, moving };
}

function picture(plan, tall) {
    const [bw, bh] = plan.box;
    const boxes = STATIONS.map((one, i) => station(one, ...plan.at(i), bw, one.id === "store" ? Math.max(bh, 80) : bh));
    const pipes = QUEUES.map((name, i) => {
        const [x, y] = plan.at(i), [nx, ny] = plan.at(i + 1);
        return tall ? pipe(name, x + bw / 2, y + bh, nx + bw / 2, name ? ny : ny - 6, true) : pipe(name, x + bw, y + bh / 2, nx, ny + bh / 2, false);
    });
    const [fx, fy] = plan.at(0), [wx, wy] = plan.at(4);
    const seed = s("text", { class: "queue-depth", "text-anchor": tall ? "start" : "middle" });
    const begin = tall
        ? s("g", {}, s("path", { class: "pipe", d: `M${fx + bw / 2} 14 V${fy - 3}`, "marker-end": "url(#tip)" }),
            place(s("text", { class: "queue-name", "text-anchor": "end" }, "seed"), fx + bw / 2 - 10, 22), place(seed, fx + bw / 2 + 10, 22))
        : s("g", {}, s("path", { class: "pipe", d: `M${fx + bw / 2} 6 V${fy - 3}`, "marker-end": "url(#tip)" }),
            place(s("text", { class: "queue-name", "text-anchor": "end" }, "seed"), fx + bw / 2 - 9, 20), place(set_(seed, "text-anchor", "start"), fx + bw / 2 + 9, 20));
    const back = tall
        ? s("g", {}, s("path", { class: "pipe back", d: `M${wx} ${wy + bh / 2} H24 V${fy + bh / 2} H${fx - 3}`, "marker-end": "url(#tip)" }),
            place(s("text", { class: "queue-name", "text-anchor": "middle", transform: `rotate(-90 14 ${(fy + wy + bh) / 2})` }, "links, as rows"), 14, (fy + wy + bh) / 2))
        : s("g", {}, s("path", { class: "pipe back", d: `M${wx + bw / 2} ${wy + bh} v20 q0 10 -10 10 H${fx + bw / 2 + 10} q-10 0 -10 -10 V${fy + bh + 3}`, "marker-end": "url(#tip)" }),
            place(s("text", { class: "queue-name", "text-anchor": "middle" }, "links come back as rows, never straight into a queue"), (fx + wx + bw) / 2, fy + bh + 46));
    const tip = s("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, markerUnits: "userSpaceOnUse", orient: "auto" },
        s("path", { class: "tip", d: "M0 .8 L7 4 L0 7.2 z" }));
    const element = s("svg", { viewBox: `0 0 ${plan.w} ${plan.h}`, class: tall ? "tall" : "wide-picture", "aria-hidden": "true", focusable: "false" },
        s("defs", {}, tip), back, begin, pipes.map((one) => one.element), boxes.map((one) => one.element));
    return {
        element,
        update(state) {
            set(element, "data-moving", state.moving ? "yes" : null);
            put(seed, text.short(state.seed ?? NaN));
            boxes.forEach((one, i) => one.update(state.stations[i]));
            pipes.forEach((one, i) => one.update(state.depths[i]));
        },
    };
}

function place(element, x, y) {
    set(element, "x", x);
    set(element, "y", y);
    return element;
}

function set_(element, name, value) {
    set(element, name, value);
    return element;
}

function station(one, x, y, w, height) {
    const down = one.id === "store" ? 10 : 0; // below the rim
    const many = place(s("text", { class: "many", "text-anchor": "middle" }), x + w / 2, y + height / 2 + 9 + down * 0.6);
    const unit = place(s("text", { class: "unit", "text-anchor": "middle" }, one.unit), x + w / 2, y + height - 9 + down * 0.4);
    const label = place(s("text", { class: "station-name", "text-anchor": "middle" }, one.name), x + w / 2, y + 18 + down);
    const tipText = s("title");
    const shape = one.id === "store"
        ? s("g", {}, s("path", { class: "shape", d: `M${x} ${y + 3} v${height - 8} a${w / 2} 9 0 0 0 ${w} 0 v${8 - height}` }),
            s("ellipse", { class: "shape", cx: x + w / 2, cy: y + 3, rx: w / 2, ry: 9 }))
        : s("rect", { class: "shape", x, y, width: w, height, rx: one.program ? 9 : 3 });
    const element = s("g", { class: `station ${one.program ? "program" : "table"}`, "data-id": one.id }, tipText, shape, label, many, unit);
    return {
        element,
        update({ many: n, beside, running, why, hand, moving }) {
            put(many, text.short(n));
            put(unit, beside > 0 ? `+ ${text.short(beside)} awaiting` : one.unit);
            put(label, running > 1 ? `${one.name} ×${running}` : one.name);
            set(element, "data-state", running === 0 ? "missing" : why ? "waits" : moving && n > 0 ? "busy" : null);
            put(tipText, [running === 0 && "none is running", running > 0 && `${running} running, ${text.number(hand)} in hand of all crawls`, why].filter(Boolean).join("\n"));
        },
    };
}

function pipe(name, x1, y1, x2, y2, tall) {
    const d = `M${x1} ${y1} L${tall ? `${x2} ${y2 - 3}` : `${x2 - 3} ${y2}`}`;
    const flow = s("path", { class: "flow", d });
    const mx = (x1 + x2) / 2, my = (y1 + y2) / 2;
    const depth = place(s("text", { class: "queue-depth", "text-anchor": tall ? "start" : "middle" }), tall ? x1 + 10 : mx, tall ? my + 4 : my + 20);
    const label = place(s("text", { class: "queue-name", "text-anchor": tall ? "end" : "middle" }, name ?? ""), tall ? x1 - 10 : mx, tall ? my + 4 : my - 10);
    const element = s("g", { class: "queue" }, s("path", { class: "pipe", d, "marker-end": "url(#tip)" }), flow, label, depth);
    return {
        element,
        update(n) {
            put(depth, name ? text.short(n ?? NaN) : "");
            set(element, "data-full", n > 0 ? "yes" : null);
            // One more pixel for each tenfold.
            flow.style.strokeWidth = `${n > 0 ? 2 + Math.min(5, Math.log10(n) * 1.6) : 1.5}px`;
        },
    };
}
