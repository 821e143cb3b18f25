// A person starts a crawl, watches it while the gateway is killed and comes back, and reads a summary. SEED: the URL; PAGES: its pages.
import { ask, assert, base, expect, run, shoot, until } from "./browser.mjs";

const { SEED, PAGES } = process.env;

await run(async ({ page, open }) => {
    // What cannot be is said where it was written.
    expect(/status of 400/);
    await page.goto(`${base}/`);
    await page.getByLabel("Where it begins").fill("http://nonsense..:x/");
    await page.getByRole("button", { name: "Start the crawl" }).click();
    await until(page, () => document.getElementById("f-url").getAttribute("aria-invalid") === "true" && document.getElementById("e-url").textContent);
    assert.equal(await page.evaluate(() => document.activeElement.id), "f-url");

    // By hand, in the form.
    expect();
    await page.getByLabel("Where it begins").fill(SEED);
    await page.getByLabel("Links deep").fill("3");
    await page.getByLabel("Pages at most").fill("1000");
    await page.getByText("More options").click();
    await page.getByLabel("No links that match").fill("/never/\n/ever/");
    await page.getByRole("button", { name: "Start the crawl" }).click();
    await until(page, () => location.hash.startsWith("#/crawl/"));
    await page.locator("h1").filter({ hasText: new URL(SEED).host }).waitFor();

    // What each row and the crawl have been, so that nothing goes back unseen.
    await page.evaluate(() => {
        globalThis.history_ = new Map();
        const look = () => {
            const note = (key, state) => {
                const states = history_.get(key) ?? [];
                if (states.at(-1) !== state) history_.set(key, [...states, state]);
            };
            for (const row of document.querySelectorAll(".pages tbody tr")) note(row.querySelector("a").hash, row.querySelector(".chip").dataset.state);
            const crawl = document.querySelector(".states .chip")?.dataset.state;
            if (crawl) note("crawl", crawl);
        };
        new MutationObserver(look).observe(document.querySelector("main"), { subtree: true, childList: true, attributes: true, characterData: true });
        look();
    });
    await until(page, () => document.querySelectorAll(".pages tbody tr .chip[data-state='stored']").length >= 3);
    await shoot(page, "test-running");

    // The gateway dies and comes back; the page says so, and catches up.
    expect(/Failed to load resource/, /net::ERR/);
    await ask("kill the gateway");
    await until(page, () => /The gateway is away/.test(document.getElementById("away").textContent) && !document.getElementById("away").hidden);
    await shoot(page, "test-away");
    const before = await page.locator(".legend-stored b").innerText();
    await ask("go on without it");
    assert.equal(await page.locator(".legend-stored b").innerText(), before);
    await ask("start the gateway");
    await until(page, () => document.getElementById("away").hidden);
    await until(page, () => document.querySelector(".states .chip").dataset.state === "completed");
    await until(page, (pages) => Number(document.querySelector(".legend-stored b").textContent.replace(",", "")) === pages, Number(PAGES));
    assert.equal(await page.locator(".big").innerText(), "100 %");
    await until(page, (pages) => document.querySelectorAll(".pages tbody tr").length === Math.min(100, pages), Number(PAGES));
    const back = await page.evaluate(() => {
        const over = ["stored", "skipped", "error", "cancelled", "completed"];
        return [...history_].filter(([, states]) => states.some((state, i) => over.includes(state) && i < states.length - 1));
    });
    assert.deepEqual(back, [], "nothing goes back");
    await shoot(page, "test-completed");

    // Filter, search, and the page itself.
    await page.getByLabel("State").selectOption("error");
    await page.getByText("No page like that").waitFor();
    await page.getByRole("button", { name: "Show all" }).click();
    await page.getByLabel("Find").fill(new URL(SEED).pathname);
    await until(page, () => document.querySelectorAll(".pages tbody tr").length > 0);
    await page.locator(".pages .row-link").first().click();
    const summary = page.locator(".gist .prose");
    await summary.waitFor();
    assert.ok((await summary.innerText()).length > 40);
    assert.ok((await page.locator(".article").innerText()).length > 300);
    const steps = await page.locator(".timeline .step").allInnerTexts();
    assert.deepEqual([steps[0], steps.at(-1)], ["Registered", "Stored"]);
    await shoot(page, "test-page");

    // Back, and on the first view.
    await page.goBack();
    await page.locator(".states .chip[data-state='completed']").waitFor();
    await page.getByRole("link", { name: "Crawls" }).first().click();
    await page.locator(".crawls .chip[data-state='completed']").first().waitFor();

    // One page, asked for.
    await page.getByLabel("Its URL").fill(SEED);
    await page.getByRole("button", { name: "Summarise" }).click();
    await page.locator(".answer .gist h3").waitFor();
    await page.getByRole("link", { name: "All about this page" }).click();
    await page.locator(".gist .prose").waitFor();
    assert.ok((await page.locator(".gist .prose").innerText()).length > 40);

    // Again, paused, resumed, cancelled.
    const other = await open({});
    await other.goto(`${base}/#${await page.evaluate(async () => {
        const { data } = await (await fetch("/v1/crawl?limit=1")).json();
        return `/crawl/${data[0].id}`;
    })}`);
    await other.getByRole("button", { name: "Crawl again" }).click();
    await until(other, () => ["queued", "running", "completed"].includes(document.querySelector(".states .chip").dataset.state) &&
        /run 2/.test(document.querySelector(".head .sub").textContent));
    await other.locator(".states .chip[data-state='completed']").waitFor();
});
