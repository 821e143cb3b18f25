// A gateway that asks for a key. KEY: one that it knows; SEED: a URL.
import { readFileSync } from "node:fs";
import { assert, base, expect, run, shoot, until } from "./browser.mjs";

const { KEY, SEED } = process.env;

await run(async ({ page, open }) => {
    expect(/status of 40[13]/);
    await page.goto(`${base}/`);
    await page.getByLabel("API key").fill("gm-not-this-one");
    await shoot(page, "test-key");
    await page.getByRole("button", { name: "Use it" }).click();
    await page.getByText("does not know this key").waitFor();
    await page.getByLabel("API key").fill(KEY);
    await page.getByRole("button", { name: "Use it" }).click();
    await until(page, () => !document.querySelector(".door") && document.querySelector(".crawls") && !document.getElementById("health").hidden);

    // With it all is as ever: writing, the stream, files.
    await page.getByLabel("Where it begins").fill(SEED);
    await page.getByRole("button", { name: "Start the crawl" }).click();
    await page.locator(".states .chip[data-state='completed']").waitFor();
    await page.locator(".pages .chip[data-state='stored']").first().waitFor();
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "JSON lines" }).click()]);
    const first = JSON.parse(readFileSync(await file.path(), "utf8").split("\n")[0]);
    assert.ok(first.url.startsWith(SEED) && first.summary);

    // Another tab knows nothing of it.
    const other = await open({});
    await other.goto(`${base}/${await page.evaluate(() => location.hash)}`);
    await other.getByLabel("API key").waitFor();
    assert.ok(!(await other.locator("main").innerText()).includes(new URL(SEED).host));
});
