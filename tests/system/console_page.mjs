// The console's page in a headless Chromium, driven over its debugging pipe: shows it both nodes, does it go on when one
// is killed? Ends with 0 if so.
//
//   node console_page.mjs URL PROFILE_FOLDER PID_OF_NODE_B [FOLDER_FOR_PICTURES]

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";

const [url, profile, pid, pictures] = process.argv.slice(2);
const patience_ms = 30_000;

const chromium = spawn("chromium", ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
  "--remote-debugging-pipe", `--user-data-dir=${profile}`, "--window-size=1280,900", "about:blank"],
  { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
process.on("exit", () => chromium.kill("SIGKILL"));

const pending = new Map();
let next_id = 1, rest = "";
const complaints = [];
chromium.stdio[4].on("data", (bytes) => {
  rest += bytes;
  for (let end; (end = rest.indexOf("\0")) >= 0; rest = rest.slice(end + 1)) {
    const message = JSON.parse(rest.slice(0, end));
    if (message.method === "Runtime.exceptionThrown") complaints.push(message.params.exceptionDetails.exception?.description);
    if (message.method === "Log.entryAdded" && message.params.entry.level === "error") complaints.push(message.params.entry.text);
    pending.get(message.id)?.(message.result ?? message.error);
    pending.delete(message.id);
  }
});
const call = (method, params = {}, sessionId = session) => new Promise((resolve) => {
  const id = next_id++;
  pending.set(id, resolve);
  chromium.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
});
const fail = (why) => {
  console.error(why, ...complaints);
  process.exit(1);
};

let session;
const { targetId } = await call("Target.createTarget", { url: "about:blank" });
({ sessionId: session } = await call("Target.attachToTarget", { targetId, flatten: true }));
await call("Runtime.enable");
await call("Log.enable");
await call("Page.enable");

const see = async (expression) => (await call("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true })).result?.value;
const until = async (what, expression) => {
  const end = Date.now() + patience_ms;
  while (!(await see(expression))) {
    if (Date.now() > end) fail(`never: ${what}\n${await see("document.body.innerText")}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};
const picture = async (name, width = 1280, dark = false) => {
  if (!pictures) return;
  await call("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }] });
  await call("Emulation.setDeviceMetricsOverride", { width, height: 900, deviceScaleFactor: 1, mobile: false });
  await new Promise((resolve) => setTimeout(resolve, 300)); // for it to be painted
  const { data } = await call("Page.captureScreenshot", { captureBeyondViewport: true });
  writeFileSync(`${pictures}/${name}.png`, Buffer.from(data, "base64"));
};
const row = (name) => `[...document.querySelectorAll("#processes tbody tr")].find((row) => row.cells[0].textContent === ${JSON.stringify(name)})`;

await call("Page.navigate", { url });
await until("the master and both nodes in the table", `["master", "node a", "node b"].every((name) =>
  [...document.querySelectorAll("#processes tbody tr")].some((row) => row.cells[0].textContent === name && row.cells[1].textContent === "up"))`);
await until("them and three shards in the picture", `document.querySelectorAll("#picture .box.up").length === 6`);
await until("the shares of three shards", `document.querySelectorAll("#shares li").length === 3`);
await until("ann's session", `[...document.querySelectorAll("#top tbody tr")].some((row) => row.cells[0].textContent === "session") || (document.getElementById("kind").value = "session", document.getElementById("kind").dispatchEvent(new Event("input", { bubbles: true })), false)`);
await until("its name", `[...document.querySelectorAll("#top tbody tr")].some((row) => row.cells[1].textContent === "ann")`);
const cell = (table, title) => `[...document.querySelectorAll("#${table} thead th")].findIndex((th) => th.textContent === ${JSON.stringify(title)})`;
for (const title of ["heartbeat", "loop lag"])
  await until(`${title} of node a`, `/^[0-9.,]+ ms$/.test(${row("node a")}.cells[${cell("processes", title)}].textContent)`);
for (const title of ["calls/s", "news/s", "p99"])
  await until(`${title} of all shards`, `[...document.querySelectorAll("#shards tbody tr")].every((row) => /^[0-9]/.test(row.cells[${cell("shards", title)}].textContent))`);
await until("actors with rates", `(document.getElementById("sort").value = "rate", [...document.querySelectorAll("#top tbody tr")].some((row) => /^[0-9]/.test(row.cells[${cell("top", "per second")}].textContent)))`);
await see(`(document.getElementById("which").value = "lobby", document.getElementById("trace-choice").requestSubmit())`);
await until("the way of one of ann's messages", `["received", "written"].every((hop) => document.getElementById("ways").textContent.includes(hop))`);
await until("events of all", `["master", "node a", "node b"].every((name) => document.getElementById("log").textContent.includes(name))`);
await picture("light");
await picture("dark", 1280, true);
await picture("narrow", 390);

process.kill(Number(pid), "SIGKILL");
await until("that b is not there", `${row("node b")}?.cells[1].textContent !== "up"`);
await until("that its end is told", `document.getElementById("log").textContent.includes("node.dead")`);
await until("that a is still there, and live", `${row("node a")}.cells[1].textContent === "up" && document.getElementById("state").textContent === "live"`);
await picture("killed");
if (complaints.length) fail("the page has complained");
process.exit(0);
