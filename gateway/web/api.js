// The gateway, as seen from here: requests, whether it answers, and streams that come back by themselves.
import { Reader } from "./sse.js";

const PATIENCE = 20_000;       // an answer that takes longer counts as none
const SILENCE = 40_000;        // a stream says something every 15 s
const BACKOFF = [1000, 2000, 3000, 5000, 8000];
const KEY = "gistmill.key";    // of this tab, until it is closed

export class Trouble extends Error {
    constructor(message, status = 0, code = "", details = null, retryAfter = NaN) {
        super(message);
        Object.assign(this, { status, code, details, retryAfter });
    }

    // True if the gateway, not the request, is at fault: then the same may be asked again.
    get passing() {
        return this.status === 0 || this.status === 429 || this.status >= 500;
    }
}

// Whether it answers. Listeners get {ok, until, why}; until: when the next try is due.
export const link = new EventTarget();
link.state = { ok: true };

function tell(state) {
    if (state.ok && link.state.ok) return;
    link.state = state;
    link.dispatchEvent(new Event("change"));
}

export const key = {
    get: () => sessionStorage.getItem(KEY),
    set: (value) => value ? sessionStorage.setItem(KEY, value) : sessionStorage.removeItem(KEY),
};

// Milliseconds that the gateway's clock is ahead of ours; times are shown by its clock.
let ahead = 0;
export const now = () => Date.now() + ahead;

function heard(response) {
    const said = Date.parse(response.headers.get("Date") ?? "");
    if (!Number.isNaN(said)) ahead = Math.abs(said - Date.now()) > 3000 ? said - Date.now() : 0;
}

async function request(method, path, { body, headers = {}, signal, patience = PATIENCE } = {}) {
    const all = { Accept: "application/json", ...headers };
    if (key.get()) all.Authorization = `Bearer ${key.get()}`;
    if (body !== undefined || method === "POST") all["Content-Type"] = "application/json";
    const timer = new AbortController();
    const timeout = setTimeout(() => timer.abort(), patience);
    const stop = () => timer.abort();
    signal?.addEventListener("abort", stop, { once: true });
    try {
        const response = await fetch(path, {
            method, headers: all, cache: "no-store", credentials: "omit", redirect: "error", signal: timer.signal,
            body: body !== undefined ? JSON.stringify(body) : method === "POST" ? "{}" : undefined,
        });
        heard(response);
        return response;
    } catch (error) {
        if (signal?.aborted) throw error;
        throw new Trouble(timer.signal.aborted ? "The gateway takes too long to answer." : "The gateway cannot be reached.");
    } finally {
        clearTimeout(timeout);
        // The body of a stream goes on under the caller's signal.
        if (headers.Accept !== "text/event-stream") signal?.removeEventListener("abort", stop);
    }
}

async function trouble(response) {
    let said = {};
    try {
        said = await response.json();
    } catch {
        // Something between us and the gateway has answered; its words are of no use.
    }
    const wait = Number(response.headers.get("Retry-After"));
    return new Trouble(typeof said.error === "string" ? said.error : `The answer was ${response.status}.`, response.status,
        said.code ?? "", said, wait > 0 ? wait * 1000 : NaN);
}

/* One request, one answer as JSON. Throws a Trouble. options: body, headers, signal, patience (ms). */
export async function call(method, path, options = {}) {
    const response = await request(method, path, options);
    if (!response.ok && !(options.allow ?? []).includes(response.status)) throw await trouble(response);
    try {
        const said = await response.json();
        tell({ ok: true });
        return said;
    } catch (error) {
        if (options.signal?.aborted) throw error;
        throw new Trouble("The answer broke off.");
    }
}

export const get = (path, options) => call("GET", path, options);
export const post = (path, body, options) => call("POST", path, { body, ...options });

/* The path with those parameters that say something. */
export function query(path, parameters) {
    const said = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null && value !== "");
    return said.length === 0 ? path : `${path}?${new URLSearchParams(said)}`;
}

/* Resolves after ms, or when the signal is aborted, or when `wake` fires. */
function pause(ms, signal, wake) {
    return new Promise((resolve) => {
        const timer = setTimeout(done, ms);
        function done() {
            clearTimeout(timer);
            signal?.removeEventListener("abort", done);
            wake?.removeEventListener("wake", done);
            resolve();
        }
        if (signal?.aborted) return done();
        signal?.addEventListener("abort", done);
        wake?.addEventListener("wake", done);
    });
}

// A tab that nobody looks at asks nothing and holds no connection: a browser has six to a host, for all its tabs together.
function seen(signal) {
    return new Promise((resolve) => {
        if (!document.hidden || signal.aborted) return resolve();
        const done = () => {
            if (document.hidden && !signal.aborted) return;
            document.removeEventListener("visibilitychange", done);
            signal.removeEventListener("abort", done);
            resolve();
        };
        document.addEventListener("visibilitychange", done);
        signal.addEventListener("abort", done);
    });
}

function away(error, failures) {
    const wait = Math.min(Number.isNaN(error.retryAfter) ? BACKOFF[Math.min(failures, BACKOFF.length - 1)] : error.retryAfter, 30_000);
    tell({ ok: false, until: Date.now() + wait, why: error.status === 429 ? "busy" : "away" });
    return wait;
}

/* Calls step(fine) again and again, every `ms` after the last one ended, until the signal; step gives false to end it, or milliseconds to
 * wait, and calls fine() as soon as the gateway has answered. While the gateway is away it tries with growing pauses and says so. Troubles that are the request's own fault go to `failed` and end it. */
export async function poll(step, ms, signal, failed = () => {}, wake = null) {
    let failures = 0;
    while (!signal.aborted) {
        await seen(signal);
        if (signal.aborted) return;
        let wait = ms;
        try {
            const said = await step(() => { failures = 0; });
            failures = 0;
            if (said === false) return;
            if (typeof said === "number") wait = said;
        } catch (error) {
            if (signal.aborted) return;
            if (!(error instanceof Trouble)) throw error;
            if (!error.passing) return failed(error);
            wait = away(error, failures++);
        }
        await pause(wait, signal, wake);
    }
}

/* Follows the events of a path until `done` or the signal: take([{event, data, id}]) with data parsed. After a cut it goes on behind the
 * last event it has seen. state(true|false): whether news is coming now. Troubles that no waiting mends go to `failed`. */
export async function follow(path, { signal, take, state, failed }) {
    let last = "";
    await poll(async (fine) => {
        const cut = new AbortController();
        const stop = () => cut.abort();
        signal.addEventListener("abort", stop);
        const hide = () => document.hidden && cut.abort();
        document.addEventListener("visibilitychange", hide);
        let silence = setTimeout(stop, SILENCE);
        try {
            const response = await request("GET", path, {
                headers: { Accept: "text/event-stream", ...last && { "Last-Event-ID": last } }, signal: cut.signal,
            });
            if (response.status === 204) return false;
            if (!response.ok) throw await trouble(response);
            tell({ ok: true });
            fine();
            state(true);
            const reader = new Reader();
            const input = response.body.pipeThrough(new TextDecoderStream()).getReader();
            for (;;) {
                const { value, done } = await input.read();
                if (done) break;
                clearTimeout(silence);
                silence = setTimeout(stop, SILENCE);
                const events = reader.push(value).map((one) => ({ ...one, data: JSON.parse(one.data) }));
                if (events.length > 0) take(events);
                last = reader.id || last;
                if (events.some((one) => one.event === "done")) return false;
            }
            throw new Trouble("The stream ended.");
        } catch (error) {
            if (cut.signal.aborted && !signal.aborted) {
                // We have cut it ourselves: because nobody looks, or because it had gone silent.
                if (document.hidden) return 0;
                throw new Trouble("The stream has gone silent.");
            }
            if (error instanceof Trouble || signal.aborted) throw error;
            throw new Trouble("The stream broke off.");
        } finally {
            state(false);
            clearTimeout(silence);
            signal.removeEventListener("abort", stop);
            document.removeEventListener("visibilitychange", hide);
            cut.abort();
        }
    }, 0, signal, failed);
}
