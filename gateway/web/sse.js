// Reads a stream of server-sent events, in pieces of any size. EventSource would do, but for three things: it gives up for good when the
// gateway answers 503 while it starts, it cannot send a key, and it does not notice that a stream has gone silent.

/* reader.push(text) gives the events that are complete: [{event, data, id}]. reader.id is the last id seen. */
export class Reader {
    constructor() {
        this.rest = "";
        this.id = "";
        this.retry = null;
        this.clear();
    }

    clear() {
        this.event = "message";
        this.data = [];
    }

    push(text) {
        const found = [];
        this.rest += text;
        // A CR at the end may be half of a CR LF.
        const lines = this.rest.split(/\r\n|\n|\r(?!$)/);
        this.rest = lines.pop();
        for (const one of lines) this.take(one, found);
        return found;
    }

    take(one, found) {
        if (one === "") {
            if (this.data.length > 0) found.push({ event: this.event, data: this.data.join("\n"), id: this.id });
            this.clear();
            return;
        }
        const colon = one.indexOf(":");
        const name = colon < 0 ? one : one.slice(0, colon);
        const value = colon < 0 ? "" : one.slice(colon + 1).replace(/^ /, "");
        if (name === "event") this.event = value;
        else if (name === "data") this.data.push(value);
        else if (name === "id" && !value.includes("\0")) this.id = value;
        else if (name === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
    }
}
