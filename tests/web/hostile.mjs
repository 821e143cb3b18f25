// Titles and texts that want to be more than text. CRAWL: a crawl of such pages that has ended; WORD: one that all of them have.
import { assert, base, expect, fits, run, shoot, until } from "./browser.mjs";

const { CRAWL, WORD } = process.env;

async function harmless(page, what) {
    const found = await page.evaluate(() => ({
        ran: globalThis.hacked ?? null,
        title: document.title,
        bad: [...document.querySelectorAll("script, img, iframe, object, embed, style, link, base, form[action], [onerror], [onload], [onclick], [style*='url']")]
            .map((one) => one.outerHTML).filter((html) => !/^<(img src="\/icon\.svg"|script type="module" src="\/app\.js"|link rel="(icon|stylesheet)" href="\/)/.test(html)),
        links: [...document.querySelectorAll("a[href]")].map((one) => one.protocol).filter((one) => !["http:", "https:"].includes(one)),
        turned: /[\u202a-\u202e\u2066-\u2069]/.test(document.body.innerText),
    }));
    assert.deepEqual(found, { ran: null, title: found.title, bad: [], links: [], turned: false }, what);
    assert.notEqual(found.title, "HACKED", what);
    await fits(page, what);
}

await run(async ({ page, open }) => {
    const phone = await open({ viewport: { width: 360, height: 740 }, isMobile: true });
    for (const one of [page, phone]) {
        const kind = one === phone ? "phone" : "wide";
        await one.goto(`${base}/#/crawl/${CRAWL}?sort=id`);
        await until(one, () => document.querySelectorAll(".pages tbody tr").length >= 6);
        await harmless(one, `${kind} crawl`);
        const rows = await one.locator(".pages tbody tr").evaluateAll((found) => found.map((row) => ({
            text: row.innerText, height: row.getBoundingClientRect().height, href: row.querySelector("a").getAttribute("href"),
        })));
        assert.ok(rows.some((row) => row.text.includes("<img src=x onerror=")), "markup is shown as it is written");
        assert.ok(rows.some((row) => row.text.includes("</script>")));
        for (const row of rows) assert.ok(row.height < 160, `${row.height} px high: ${row.text.slice(0, 80)}`);
        await shoot(one, `test-hostile-${kind}`);
        for (const { href } of rows) {
            await one.goto(`${base}/${href}`);
            await one.locator("h1").waitFor();
            await until(one, () => document.querySelector(".timeline li"));
            await harmless(one, `${kind} ${href}`);
        }
        await one.goto(`${base}/#/search?q=${WORD}`);
        await until(one, () => document.querySelector(".results li, .empty:not(.loading)"));
        await harmless(one, `${kind} search`);
        // Addresses are from outside, too.
        expect(/status of 40[04]/);
        await one.goto(`${base}/#/crawl/%3Cimg%20src=x%20onerror=hacked=1%3E`);
        await one.locator("h1, .problem").first().waitFor();
        await harmless(one, `${kind} address`);
        await one.goto(`${base}/#/crawl/${CRAWL}?q=%3Cimg%20src%3Dx%3E&state=%22%3E&sort=id`);
        await one.locator("h1").waitFor();
        await harmless(one, `${kind} filter`);
    }
});
