// Every view at every width, dark, without motion; names for screen readers; all of it without a mouse. CRAWL: one that has ended; SEED: a URL.
import { assert, base, expect, fits, run, shoot, shut, until } from "./browser.mjs";

const { CRAWL, SEED } = process.env;

/* Contrast of text and what is behind it, as WCAG 2 counts. */
function contrasts() {
    const light = (rgb) => {
        const [r, g, b] = rgb.map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const rgba = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const behind = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const colour = rgba(getComputedStyle(one).backgroundColor);
            if (colour[3] === 255) return colour.slice(0, 3);
        }
        return [255, 255, 255];
    };
    const bad = [];
    for (const element of document.querySelectorAll("body *")) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!own || element.closest("svg, [hidden], .sr, .skip, option, :disabled") || element.getClientRects().length === 0) continue;
        const [a, b] = [light(rgba(getComputedStyle(element).color).slice(0, 3)), light(behind(element))].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < 4.5) bad.push(`${ratio.toFixed(2)} ${element.tagName}.${element.className} ${element.textContent.slice(0, 40)}`);
    }
    return [...new Set(bad)];
}

/* What a screen reader would miss. */
function unnamed() {
    const bad = [];
    if (document.querySelectorAll("main").length !== 1 || !document.querySelector("header") || !document.querySelector("nav[aria-label]")) bad.push("landmarks");
    if (document.querySelectorAll("h1").length !== 1) bad.push("one h1");
    if (!document.querySelector("html[lang]")) bad.push("lang");
    for (const one of document.querySelectorAll("input, select, textarea")) if (one.labels.length === 0 && !one.ariaLabel) bad.push(one.outerHTML);
    for (const one of document.querySelectorAll("button, a[href]")) if (!one.textContent.trim() && !one.ariaLabel) bad.push(one.outerHTML);
    for (const one of document.querySelectorAll("table")) if (!one.caption || !one.querySelector("th[scope]")) bad.push("a table without a caption or headings");
    for (const one of document.querySelectorAll("[role='progressbar']")) if (!one.ariaLabel || !one.hasAttribute("aria-valuenow")) bad.push("a bar without a name");
    for (const one of document.querySelectorAll("[aria-labelledby], [aria-describedby]"))
        for (const id of [one.getAttribute("aria-labelledby"), one.getAttribute("aria-describedby")].filter(Boolean).join(" ").split(" "))
            if (!document.getElementById(id)) bad.push(`no #${id}`);
    const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
    if (new Set(ids).size !== ids.length) bad.push("an id twice");
    for (const one of document.querySelectorAll("svg")) if (!one.ariaHidden && !one.ariaLabel) bad.push("a picture without words");
    return bad;
}

async function keyboard(page) {
    await page.goto(`${base}/`);
    await page.locator(".crawls tbody tr").first().waitFor();
    const focus = () => page.evaluate(() => {
        const one = document.activeElement, seen = one.closest("tr") ?? one, style = getComputedStyle(one.matches(".row-link") ? seen : one);
        return { tag: one.tagName, id: one.id, hash: one.hash ?? "", text: one.textContent.slice(0, 60), ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0, row: one.matches(".row-link") };
    });
    /* Tabs until the focus is where it should be; each stop on the way can be seen. */
    const reach = async (wanted, what) => {
        for (let i = 0; i < 80; i++) {
            await page.keyboard.press("Tab");
            const now = await focus();
            if (now.tag === "BODY") continue;
            assert.ok(now.ring, `the focus on ${JSON.stringify(now)} can be seen`);
            if (wanted(now)) return now;
        }
        throw new Error(`the keyboard does not reach ${what}`);
    };
    await page.keyboard.press("Tab");
    assert.equal((await focus()).text, "Skip to content");
    await page.keyboard.press("Enter");
    assert.equal((await focus()).id, "main");
    await reach((now) => now.id === "f-url", "the URL");
    await page.keyboard.press("Enter");
    await until(page, () => document.getElementById("f-url").getAttribute("aria-invalid") === "true" && !document.getElementById("e-url").hidden);
    await page.keyboard.type(SEED);
    await reach((now) => now.id === "f-depth", "the depth");
    await page.keyboard.type("1");
    await reach((now) => now.text === "More options", "the fold");
    await page.keyboard.press("Space");
    await reach((now) => now.id === "f-prefix", "an option");
    await reach((now) => now.text === "Start the crawl", "the button");
    await page.keyboard.press("Enter");
    await until(page, () => location.hash.startsWith("#/crawl/"));
    assert.equal((await focus()).id, "main");
    await until(page, () => document.querySelector(".states .chip[data-state='completed']") && document.querySelector(".pages tbody tr .chip[data-state='stored']"));
    const crawl = await page.evaluate(() => location.hash);
    await reach((now) => now.row, "a page");
    await page.keyboard.press("Enter");
    await page.locator(".gist .prose").waitFor();
    await reach((now) => now.hash === crawl, "the way back");
    await page.keyboard.press("Enter");
    await page.locator(".pages .row-link").first().waitFor();
    await reach((now) => now.text === "Delete…", "the delete button");
    await page.keyboard.press("Enter");
    await page.locator("dialog[open]").waitFor();
    assert.equal((await focus()).text, "Go back");
    await page.keyboard.press("Escape");
    await until(page, () => !document.querySelector("dialog"));
    assert.equal(await page.evaluate(() => location.hash), crawl);
}

await run(async ({ page, open }) => {
    await page.goto(`${base}/#/crawl/${CRAWL}`);
    await page.locator(".pages .row-link").first().waitFor();
    const first = await page.locator(".pages .row-link").first().getAttribute("href");
    const views = { home: ["#/", ".crawls tbody tr"], crawl: [`#/crawl/${CRAWL}`, ".pages tbody tr"], page: [first, ".timeline li"], search: ["#/search?q=the", "#q"],
        nothing: ["#/nothing", "h1"], "no-crawl": ["#/crawl/00000000-1111-2222-3333-444444444444", "h1, .problem"], "no-page": ["#/page/999999999", "h1, .problem"] };
    expect(/status of 40[04]/);
    for (const [kind, options] of Object.entries({ light: {}, dark: { colorScheme: "dark" }, phone: { viewport: { width: 360, height: 740 }, isMobile: true },
        small: { viewport: { width: 320, height: 600 } }, tablet: { viewport: { width: 820, height: 1100 }, colorScheme: "dark" } })) {
        const one = await open({ reducedMotion: kind === "light" ? "no-preference" : "reduce", ...options });
        for (const [name, [hash, wanted]] of Object.entries(views)) {
            await one.goto(`${base}/${hash}`);
            await one.locator(wanted).first().waitFor();
            await fits(one, `${kind} ${name}`);
            assert.deepEqual(await one.evaluate(contrasts), [], `${kind} ${name}`);
            if (kind === "light") assert.deepEqual(await one.evaluate(unnamed), [], name);
            else assert.equal(await one.evaluate(() => document.getAnimations().filter((a) => a.playState === "running").length), 0);
            await shoot(one, `test-${name}-${kind}`);
        }
        const dark = await one.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).every((part) => part < 60));
        assert.equal(dark, options.colorScheme === "dark", kind);
        await shut(one);
    }
    await keyboard(page);
});
