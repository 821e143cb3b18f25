// What every test in a browser begins with. environment: BASE (the gateway), PLAYWRIGHT (playwright-core), CHROMIUM, SHOTS (a directory
// for pictures, if any are wanted). A test fails for whatever the page complains of, too: errors, violations of its policy, requests to
// other hosts, dialogs.
//
// The test and its caller talk in lines: await ask("stop the gateway") prints `? stop the gateway` and waits for a line.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";

const { BASE, PLAYWRIGHT, CHROMIUM, SHOTS } = process.env;
const { chromium } = createRequire(path.join(PLAYWRIGHT, "/"))("playwright-core");
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const complaints = [];
let allowed = []; // complaints that are expected just now

export const base = BASE;
export { assert };

export async function ask(what) {
    console.log(`? ${what}`);
    const { value, done } = await lines.next();
    assert.ok(!done, "the caller has gone");
    return value;
}

/* Complaints that match are expected from now on: a browser speaks of each request that fails. */
export function expect(...patterns) {
    allowed = patterns;
}

function complain(words) {
    if (!allowed.some((pattern) => pattern.test(words))) complaints.push(words);
}

async function open(browser, options) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    await context.addInitScript(() => {
        globalThis.violations = [];
        addEventListener("securitypolicyviolation", (event) => violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
    });
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && complain(`console: ${message.text()}`));
    page.on("pageerror", (error) => complain(`error: ${error.stack}`));
    page.on("dialog", (dialog) => {
        complain(`dialog: ${dialog.message()}`);
        dialog.dismiss();
    });
    page.on("request", (request) => {
        if (!request.url().startsWith(`${BASE}/`) && !/^(data|blob):/.test(request.url())) complain(`request: ${request.url()}`);
    });
    return page;
}

/* Runs test({page, open}) in a browser of its own; ends the process with what came of it. */
export async function run(test) {
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
    const pages = [];
    try {
        const more = async (options) => {
            pages.push(await open(browser, options));
            return pages.at(-1);
        };
        await test({ open: more, page: await more({}) });
        for (const page of pages) if (!page.isClosed()) await shut(page);
        assert.deepEqual(complaints, []);
        console.log("passed");
    } catch (error) {
        process.exitCode = 1;
        console.log(error.stack);
        if (complaints.length > 0) console.log(complaints.join("\n"));
        for (const page of pages) console.log((await page.locator("body").innerText().catch(() => "")).slice(0, 3000));
    } finally {
        await browser.close();
        process.stdin.destroy();
    }
}

/* Closes it; nothing may have been against its policy. */
export async function shut(page) {
    assert.deepEqual(await page.evaluate(() => violations), []);
    await page.context().close();
}

/* A picture of what is in sight, if they are wanted. */
export async function shoot(page, name) {
    if (SHOTS) await page.screenshot({ path: path.join(SHOTS, `${name}.png`) });
}

/* Waits until the page agrees: check(argument) runs in it. */
export async function until(page, check, argument) {
    return (await page.waitForFunction(check, argument, { polling: 50 })).jsonValue();
}

/* Nothing is wider than the window, and nothing that can be seen stands out of it. */
export async function fits(page, what) {
    const found = await page.evaluate(() => ({
        over: document.documentElement.scrollWidth - innerWidth,
        who: [...document.querySelectorAll("main *")].filter((one) => !one.closest(".sr, svg") && one.getBoundingClientRect().right > innerWidth + 1)
            .map((one) => `${one.tagName}.${one.className}`).slice(0, 5),
    }));
    assert.ok(found.over <= 0, `${what} is ${found.over} px too wide: ${found.who}`);
}
