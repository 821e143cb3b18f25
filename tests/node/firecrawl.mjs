// Calls one method of the unmodified npm package `firecrawl`: node firecrawl.mjs PACKAGE-DIR API-URL, and a JSON list on standard input: method,
// arguments. Prints {"value": …} or {"error": {message, status, code, details}}.
import { pathToFileURL } from "node:url";
import { once } from "node:events";

const [folder, apiUrl] = process.argv.slice(2);
const { Firecrawl } = await import(pathToFileURL(`${folder}/node_modules/firecrawl/dist/index.js`).href);
let text = "";
for await (const piece of process.stdin) text += piece;
const [method, ...args] = JSON.parse(text);
const client = new Firecrawl({ apiUrl, apiKey: process.env.KEY || null });

async function watch(id) {
  const seen = [];
  const watcher = client.watcher(id, { pollInterval: 1, timeout: 60 });
  watcher.on("document", (document) => seen.push(document.metadata.sourceURL));
  const done = once(watcher, "done");
  await watcher.start();
  const [last] = await done;
  return { seen, status: last.status };
}

try {
  const value = method === "watch" ? await watch(...args) : await client[method](...args);
  console.log(JSON.stringify({ value: value ?? null }));
} catch (error) {
  console.log(JSON.stringify({ error: { message: error.message, status: error.status, code: error.code, details: error.details } }));
}
process.exit(0);
