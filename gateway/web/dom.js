// Elements, made without markup: text from pages only ever becomes text nodes and checked attributes.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, props, children) {
    for (const [name, value] of Object.entries(props ?? {})) {
        if (value === null || value === undefined || value === false) continue;
        if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
        else if (name === "text") element.textContent = value;
        else if (name === "value") element.value = value;
        else element.setAttribute(name, value === true ? "" : String(value));
    }
    element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
    return element;
}

/* h("a", {href: "/", class: "x", onclick: f}, "text", child, [more]) */
export function h(tag, props, ...children) {
    return fill(document.createElement(tag), props, children);
}

export function s(tag, props, ...children) {
    return fill(document.createElementNS(SVG, tag), props, children);
}

/* Sets what has changed, so that nothing is read out or laid out twice. */
export function put(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

export function set(element, name, value) {
    if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

/* Children of `parent`, one an item, in their order; elements of items that stay are kept, with their focus.
 * make(item) gives {element, update(item)}. */
export class Keyed {
    constructor(parent, key, make) {
        Object.assign(this, { parent, key, make, known: new Map() });
    }

    show(items) {
        const before = this.known;
        this.known = new Map();
        for (const item of items) {
            const key = this.key(item);
            const row = before.get(key) ?? this.make(item);
            before.delete(key);
            row.update(item);
            this.known.set(key, row);
        }
        for (const row of before.values()) row.element.remove();
        let place = this.parent.firstChild;
        for (const row of this.known.values()) {
            if (row.element === place) place = place.nextSibling;
            else this.parent.insertBefore(row.element, place);
        }
    }
}

const said = document.getElementById("said");

/* Says it to a screen reader when it has nothing else to say. */
export function say(text) {
    put(said, text);
}
