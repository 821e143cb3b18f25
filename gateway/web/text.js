// How things are written: numbers, times, text that strangers wrote. No DOM here; tests run it in node.

// Controls, and the characters that turn the direction of what follows: a title must not change the look of its neighbours.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/* Text of a page without hidden characters; line feeds and tabs stay. Anything that is no string is an empty one. */
export function clean(text) {
    return typeof text === "string" ? text.replace(HIDDEN, "") : "";
}

/* One line of at most `max` characters, whole ones: a surrogate pair is not cut. */
export function line(text, max = 240) {
    const one = clean(text).replace(/\s+/g, " ").trim();
    if (one.length <= max) return one;
    const cut = one.slice(0, max - 1);
    return (/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut).trimEnd() + "…";
}

const PLAIN = new Intl.NumberFormat("en");
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export function number(n) {
    return Number.isFinite(n) ? PLAIN.format(n) : "–";
}

/* At most five characters, for pictures: 12,345 is 12.3K. */
export function short(n) {
    return !Number.isFinite(n) ? "–" : n < 10000 ? PLAIN.format(n) : SHORT.format(n);
}

export function bytes(n) {
    if (!Number.isFinite(n)) return "–";
    const units = ["B", "KB", "MB", "GB", "TB"];
    let i = 0;
    while (n >= 1000 && i < units.length - 1) {
        n /= 1000;
        i++;
    }
    return `${i === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[i]}`;
}

export function money(usd) {
    return !Number.isFinite(usd) ? "–" : usd > 0 && usd < 0.01 ? `$${usd.toPrecision(2)}` : `$${usd.toFixed(2)}`;
}

/* A length of time in milliseconds: 12 ms, 1.4 s, 2 min 05 s, 3 h 12 min, 4 d 2 h. */
export function duration(ms) {
    if (!Number.isFinite(ms)) return "–";
    ms = Math.max(0, ms);
    if (ms < 1000) return `${Math.round(ms)} ms`;
    if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`;
    const s = Math.round(ms / 1000);
    if (s < 60) return `${s} s`;
    if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
    const m = Math.round(s / 60);
    if (m < 1440) return `${Math.floor(m / 60)} h ${String(m % 60).padStart(2, "0")} min`;
    const h = Math.round(m / 60);
    return `${Math.floor(h / 24)} d ${h % 24} h`;
}

/* Milliseconds of an ISO time; NaN if there is none. */
export function at(time) {
    return typeof time === "string" ? Date.parse(time) : NaN;
}

/* How long ago, in words that do not change every second. */
export function ago(time, now = Date.now()) {
    const ms = now - at(time);
    if (!Number.isFinite(ms)) return "–";
    if (ms < 0) return ms > -5000 ? "just now" : `in ${duration(-ms)}`;
    const s = Math.round(ms / 1000), m = Math.floor(s / 60), h = Math.floor(m / 60), d = Math.floor(h / 24);
    if (s < 5) return "just now";
    if (s < 60) return `${s} s ago`;
    if (m < 60) return `${m} min ago`;
    if (h < 24) return `${h} h ago`;
    if (d < 14) return d === 1 ? "yesterday" : `${d} days ago`;
    return new Intl.DateTimeFormat("en", { dateStyle: "medium" }).format(at(time));
}

/* The moment itself, in the reader's own time zone. */
export function absolute(time) {
    const ms = at(time);
    return Number.isNaN(ms) ? "" : new Intl.DateTimeFormat("en", { dateStyle: "full", timeStyle: "long" }).format(ms);
}

/* The clock, with milliseconds: for timelines. */
export function clock(time) {
    const ms = at(time);
    if (Number.isNaN(ms)) return "";
    return new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3 }).format(ms);
}

/* A URL as people read it: without its scheme, escapes of harmless letters undone. */
export function shown(url, max = 160) {
    let text = clean(url);
    try {
        text = clean(decodeURI(text));
    } catch {
        // Not UTF-8 behind the escapes: shown as it is.
    }
    return line(text.replace(/^https?:\/\//i, "").replace(/^([^/?#]+)\/$/, "$1"), max);
}

/* The URL if it may stand in a link, else null: what pages say about themselves can be any scheme. */
export function safe(url) {
    try {
        const parsed = new URL(url);
        return parsed.protocol === "http:" || parsed.protocol === "https:" ? parsed.href : null;
    } catch {
        return null;
    }
}

/* What a person typed as a URL; a bare host gets a scheme. */
export function typed(text) {
    const one = text.trim().replace(/^(localhost|127\.[\d.]+|\[::1\])(?=[:/]|$)/i, "http://$1");
    return one === "" || /^[a-z][a-z0-9+.-]*:/i.test(one) && !/^[^/:]+:\d+(\/|$)/.test(one) ? one : `https://${one.replace(/^\/+/, "")}`;
}

/* Language tags become attributes; anything else is left out. */
export function language(tag) {
    return typeof tag === "string" && /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(tag) ? tag : null;
}
