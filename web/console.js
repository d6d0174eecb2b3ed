// The console in a browser: asks the node that it came from, which asks all processes, and shows what they say.

import { ConsoleLink } from "/console_link.js";
import { draw as draw_picture } from "/console_picture.js";
import { duration, element, fill, mebibytes, micros, number, text } from "/console_table.js";
import { draw as draw_trace, merge as merge_trace } from "/console_trace.js";

const gone_shown_ms = 60_000; // a process that has ended is still shown
const events_max = 1000; // kept here; beyond: the oldest go
const page_rows = 25;

const $ = (id) => document.getElementById(id);
const processes = new Map(); // "role name" -> {role, name, incarnation, result, error, seen}
const shard_rows = new Map(); // node -> [{name, ...}], of the command "shards"
const events = [];
const events_after = new Map(); // "role name incarnation" -> number
let slot_answers = [];
let place = 0; // of the first actor that is shown
let paused = false;

const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/console/ws`;
const link = new ConsoleLink(url, {
  opened() {
    $("entrance").hidden = true;
    $("parts").hidden = false;
    say("live", "open");
    polls.forEach((poll) => poll.now());
  },
  lost: (reason) => say(`${reason}: trying again`, "lost"),
  refused(reason) {
    say("a token is needed", "lost");
    $("parts").hidden = true;
    $("entrance").hidden = false;
    $("refused").textContent = reason;
    $("refused").hidden = !reason;
    $("token").value = "";
    $("token").focus();
  },
});

function say(words, state) {
  if ($("state").textContent === words) return;
  $("state").textContent = words;
  $("state").className = `state ${state}`;
}

// --- Asking, again and again; never for two answers at once, and not while nobody looks.

function every(ms, ask) {
  let busy = false;
  const now = async () => {
    if (busy || paused || document.hidden) return;
    busy = true;
    await ask().catch(() => {}); // said by the link already; the next turn asks again
    busy = false;
  };
  setInterval(now, ms);
  return { now };
}

const polls = [every(1000, look_at_processes), every(2000, look_at_shards), every(5000, look_at_slots), every(2000, look_at_actors), every(1000, look_at_events)];

// --- Processes and the picture.

async function look_at_processes() {
  const now = Date.now();
  for (const one of await link.ask("process")) processes.set(`${one.role} ${one.name}`, { ...processes.get(`${one.role} ${one.name}`), result: undefined, error: undefined, ...one, seen: now });
  for (const [key, { seen }] of processes) if (now - seen > gone_shown_ms) processes.delete(key);
  for (const one of processes.values()) one.gone = one.seen < now;
  show_processes();
  show_picture();
}

const called = ({ role, name }) => (role === name ? role : `${role} ${name}`); // there is one master, called so
const sorted = () => [...processes.values()].sort((a, b) => a.role.localeCompare(b.role) || a.name.localeCompare(b.name));

function standing({ role, gone, error, result = {} }) {
  if (gone) return ["gone", "gone"];
  if (error) return ["bad", error];
  if (result.draining) return ["warn", "leaving"];
  if (role === "node" && result.ready === false) return ["warn", (result.missing ?? []).join("; ") || "not ready"];
  if (role === "node" && result.master_reachable === false) return ["warn", "without the master"];
  return ["up", "up"];
}

function show_processes() {
  const columns = [{ title: "process" }, { title: "state" }, ...["up", "sessions", "rooms", "actors", "waiting", "restarts", "heartbeat", "loop lag", "memory"]
    .map((title) => ({ title, numeric: true })), { title: "epoch" }, { title: "digest" }, { title: "version" }];
  const all = sorted();
  const tables = new Set(all.filter((one) => one.result?.digest).map(({ result }) => `${result.epoch} ${result.digest}`));
  fill($("processes"), "Processes of the cluster", columns, all.map((one) => {
    const r = one.result ?? {};
    const [state, words] = standing(one);
    const mark = element("span", { className: `mark ${state}`, textContent: words });
    const agree = tables.size > 1 && r.digest ? " ≠" : "";
    return { className: state, cells: [called(one), mark, duration(r.uptime_s), number(r.sessions), number(r.rooms), number(r.actors),
      number(r.messages_waiting), number(r.restarts), milliseconds(r.heartbeat_age_ms), milliseconds(r.loop_lag_ms, r.loop_lag_us), mebibytes(r.memory_bytes),
      text(r.epoch) + agree, r.digest ? `${r.digest.slice(0, 8)}${agree}` : "–", text(r.version)] };
  }));
  const nodes = all.filter((one) => one.role === "node" && one.result);
  const sum = (name) => nodes.reduce((total, one) => total + (one.result[name] ?? 0), 0);
  $("summary").textContent = [counted(nodes.length, "node"), counted(sum("sessions"), "session"), counted(sum("rooms"), "active room"),
    `${counted(sum("messages_waiting"), "message")} waiting`].join(" · ")
    + (tables.size > 1 ? " · nodes disagree about the slots" : "");
}

const counted = (n, what) => `${number(n)} ${what}${n === 1 ? "" : "s"}`;
const milliseconds = (ms, us) => (typeof us === "number" ? micros(us) : typeof ms === "number" ? `${number(ms, 1)} ms` : "–");

function show_picture() {
  const states = { up: "up", deaf: "warn", connecting: "warn", down: "bad", foreign: "bad" };
  const shards = new Map();
  const links = [];
  for (const { role, name, gone, result } of processes.values()) {
    if (role !== "node" || gone || !result?.shards) continue;
    for (const [shard, state] of Object.entries(result.shards)) {
      const it = shards.get(shard) ?? { name: shard, seen: [], subscriptions: undefined };
      shards.set(shard, it);
      it.seen.push(state);
      const row = shard_rows.get(name)?.find((each) => each.name === shard);
      if (typeof row?.subscriptions === "number") it.subscriptions = (it.subscriptions ?? 0) + row.subscriptions;
      links.push({ node: name, shard, state: states[state] ?? "warn" });
    }
  }
  const held = new Map(slot_answers.find((one) => one.result?.shards)?.result.shards.map(({ name, slots }) => [name, slots]) ?? []);
  draw_picture($("picture"), {
    processes: sorted().map((one) => {
      const [state, words] = standing(one);
      const r = one.result ?? {};
      const lines = one.role === "master" ? [words, `up ${duration(r.uptime_s)}`, mebibytes(r.memory_bytes)]
        : [words, `${number(r.sessions)} sessions · ${number(r.rooms)} rooms`, `${number(r.messages_waiting)} waiting · ${mebibytes(r.memory_bytes)}`];
      return { role: one.role, name: one.name, state, lines, master: r.master_reachable === true ? "up" : r.master_reachable === false ? "bad" : "gone",
        title: called(one) };
    }),
    shards: [...shards.values()].sort((a, b) => a.name.localeCompare(b.name)).map(({ name, seen, subscriptions }) => {
      const up = seen.filter((state) => state === "up").length;
      const words = up === seen.length ? "up" : `${[...new Set(seen)].join(", ")} (up at ${up} of ${seen.length})`;
      return { name, title: `shard ${name}`, state: up === seen.length ? "up" : up ? "warn" : "bad",
        lines: [words, [held.has(name) && `${number(held.get(name))} slots`, subscriptions !== undefined && `${number(subscriptions)} feeds`].filter(Boolean).join(" · ")] };
    }),
    links,
  });
}

// --- Shards, as the nodes see them, and slots.

async function look_at_shards() {
  const answers = await link.ask("shards", {}, "node");
  shard_rows.clear();
  for (const { name, result } of answers) if (Array.isArray(result?.shards)) shard_rows.set(name, result.shards);
  const columns = [{ title: "shard" }, { title: "node" }, { title: "state" }, ...["p50", "p99", "waiting", "subscriptions", "publications", "bytes", "reconnects"]
    .map((title) => ({ title, numeric: true })), { title: "detail" }];
  const rows = [];
  // A node without this command says at least how its shards stand.
  for (const { role, name, gone, result } of processes.values())
    if (role === "node" && !gone && !shard_rows.has(name)) shard_rows.set(name, Object.entries(result?.shards ?? {}).map(([shard, state]) => ({ name: shard, state })));
  for (const [node, list] of shard_rows) for (const r of list) rows.push({ key: `${r.name} ${node}`, className: r.state === "up" ? "" : "bad",
    cells: [r.name, node, text(r.state), micros(r.round_trip_p50_us), micros(r.round_trip_p99_us), number(r.waiting), number(r.subscriptions), number(r.publications),
      number(r.bytes), number(r.reconnects), text(r.detail)] });
  fill($("shards"), "Shards, as each node sees them", columns, rows.sort((a, b) => a.key.localeCompare(b.key)));
}

async function look_at_slots() {
  slot_answers = await link.ask("slots", {}, "node");
  const tables = new Map();
  for (const { name, result } of slot_answers) {
    if (!result?.shards) continue;
    const key = `epoch ${result.epoch}, digest ${result.digest}`;
    tables.set(key, { shards: result.shards, nodes: [...(tables.get(key)?.nodes ?? []), name] });
  }
  $("tables").textContent = [...tables].map(([key, { nodes }]) => `${key}: ${nodes.join(", ")}`).join(" · ") || "no slot table yet";
  const shards = [...tables.values()].sort((a, b) => b.nodes.length - a.nodes.length)[0]?.shards ?? [];
  const most = Math.max(1, ...shards.map(({ slots, fair }) => Math.max(slots, fair)));
  $("shares").replaceChildren(...shards.map(({ name, address, weight, slots, fair }) => {
    const bar = element("span", { className: "held" });
    const mark = element("span", { className: "fair" });
    bar.style.setProperty("width", `${(100 * slots) / most}%`);
    mark.style.setProperty("left", `${(100 * fair) / most}%`);
    const words = `${number(slots)} of ${number(fair, 1)} fair, weight ${weight}`;
    return element("li", {}, element("span", { className: "who", textContent: name, title: address }),
      element("span", { className: "share", ariaHidden: "true" }, bar, mark), element("span", { className: "hint", textContent: words }));
  }));
}

// --- Actors: the totals that are asked for, and what came between two looks as a rate.

const before = new Map(); // "node id" -> {at, handled, busy}
let last_rows = [];

/** Milliseconds, whichever unit a process counts in. */
const busy_ms = (row) => row.busy_ms ?? (row.busy_us !== undefined ? row.busy_us / 1e3 : (row.busy_ns ?? 0) / 1e6);
const longest_us = (row) => row.longest_us ?? (row.longest_ns !== undefined ? row.longest_ns / 1e3 : row.longest_ms * 1e3);
const handling_us = (row) => row.handling_us ?? (row.handling_ns !== undefined ? row.handling_ns / 1e3 : row.handling_ms * 1e3);

async function look_at_actors() {
  // The node sorts by totals; by rate it is sorted here, among those who have handled the most.
  const chosen = $("sort").value;
  const args = { sort: chosen === "rate" ? "handled" : chosen, limit: Math.min(1000, place + page_rows + 1) };
  if ($("kind").value) args.kind = $("kind").value;
  if ($("name").value.trim()) args.name = $("name").value.trim();
  const answers = await link.ask("actors", args);
  const now = performance.now();
  const rows = [];
  const seen = new Set();
  for (const { role, name, incarnation, result } of answers) for (const row of result?.actors ?? []) {
    const key = `${role} ${name} ${incarnation} ${row.id}`;
    const old = before.get(key);
    const seconds = old ? (now - old.at) / 1000 : 0;
    seen.add(key);
    before.set(key, { at: now, handled: row.handled, busy: busy_ms(row) });
    rows.push({ process: called({ role, name }), ...row, rate: seconds ? (row.handled - old.handled) / seconds : undefined,
      share: seconds ? (busy_ms(row) - old.busy) / seconds / 10 : undefined });
  }
  for (const key of before.keys()) if (!seen.has(key)) before.delete(key);
  const by = { mailbox: (r) => r.waiting, busy: (r) => r.share ?? 0, rate: (r) => r.rate ?? 0, longest: longest_us, handling: handling_us }[chosen];
  last_rows = rows.sort((a, b) => (by(b) ?? 0) - (by(a) ?? 0) || a.process.localeCompare(b.process) || a.id - b.id);
  show_actors(answers.reduce((sum, { result }) => sum + (result?.matching ?? 0), 0));
}

function show_actors(matching) {
  const columns = [{ title: "actor" }, { title: "name" }, { title: "process" }, ...["waiting", "per second", "busy", "handled", "longest", "now in a handler", "id"]
    .map((title) => ({ title, numeric: true }))];
  const rows = last_rows.slice(place, place + page_rows);
  fill($("top"), "Actors with the most", columns, rows.map((r) => ({ cells: [r.kind, text(r.name), r.process, number(r.waiting), number(r.rate, 1),
    r.share === undefined ? "–" : `${number(r.share, 1)} %`, number(r.handled), micros(longest_us(r)), handling_us(r) ? micros(handling_us(r)) : "–", text(r.id)] })));
  $("page").textContent = rows.length ? `${number(place + 1)} to ${number(place + rows.length)} of ${number(matching)}` : "none";
  $("earlier").disabled = place === 0;
  $("later").disabled = last_rows.length <= place + page_rows || place + 2 * page_rows > 1000;
}

function turn_page(by) {
  place = Math.max(0, place + by);
  polls[3].now();
}
$("earlier").addEventListener("click", () => turn_page(-page_rows));
$("later").addEventListener("click", () => turn_page(page_rows));
$("actors-choice").addEventListener("input", () => turn_page(-place));
$("actors-choice").addEventListener("submit", (event) => event.preventDefault());

// --- Events of all processes, in one order.

async function look_at_events() {
  // Each process counts for itself, so each is asked from where it was read to.
  const known = sorted().filter((one) => !one.gone && !one.error);
  const answers = (await Promise.all(known.map((one) => {
    const after = events_after.get(`${one.role} ${one.name} ${one.incarnation}`);
    return link.ask("events", after === undefined ? { limit: 200 } : { after, limit: 200 }, one.role, one.name).catch(() => []);
  }))).flat();
  let fresh = false;
  for (const { role, name, incarnation, result } of answers) {
    const key = `${role} ${name} ${incarnation}`;
    for (const event of result?.events ?? []) {
      if (event.number <= (events_after.get(key) ?? 0)) continue;
      events.push({ ...event, process: called({ role, name }) });
      events_after.set(key, event.number);
      fresh = true;
    }
  }
  if (!fresh) return;
  events.sort((a, b) => a.at - b.at);
  events.splice(0, events.length - events_max);
  show_events();
}

function show_events() {
  const levels = { "": null, warn: ["warn", "error"], error: ["error"] }[$("level").value];
  const words = $("text").value.trim().toLowerCase();
  const shown = events.filter((one) => (!levels || levels.includes(one.level)) && (!words || `${one.process} ${one.event} ${one.details}`.toLowerCase().includes(words)));
  const columns = [{ title: "at (UTC)" }, { title: "process" }, { title: "level" }, { title: "event" }, { title: "details" }];
  fill($("log"), "Events, the newest first", columns, shown.slice(-200).reverse().map((one) => ({ className: one.level === "error" ? "bad" : one.level === "warn" ? "warn" : "",
    cells: [new Date(one.at).toISOString().slice(11, 23), one.process, one.level, one.event, one.details] })));
}
$("events-choice").addEventListener("input", show_events);
$("events-choice").addEventListener("submit", (event) => event.preventDefault());

// --- A trace.

let tracing = 0; // counts, so that one which is begun anew ends the one before

$("trace-choice").addEventListener("submit", async (event) => {
  event.preventDefault();
  const turn = ++tracing;
  const say_so = (words) => turn === tracing && ($("traced").textContent = words);
  const count = Number($("count").value), seconds = Number($("seconds").value);
  try {
    const begun = await link.ask("trace_begin", { what: $("what").value, id: $("which").value.trim(), count, seconds, by: "web" }, "node");
    const refusals = begun.filter((one) => one.error);
    if (refusals.length === begun.length) return say_so(`No node traces: ${refusals[0]?.error ?? "there is none"}`);
    await link.ask("trace_start", {}, "node");
    const until = Date.now() + seconds * 1000;
    let complete_since = 0;
    for (;;) {
      const asked = Date.now();
      const messages = merge_trace(await link.ask("trace_read", {}, "node"), asked, Date.now());
      if (turn !== tracing) return;
      draw_trace($("ways"), messages);
      const left = until - Date.now();
      if (messages.length < count) complete_since = 0;
      else complete_since ||= Date.now();
      if (left <= 0 || (complete_since && Date.now() - complete_since > 1000)) {
        say_so(messages.length ? `${messages.length} of ${count} messages` : "Nothing came by in this time.");
        break;
      }
      say_so(`${messages.length} of ${count} messages, ${Math.ceil(left / 1000)} s left`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  } catch (error) {
    say_so(error.message);
  }
  if (turn === tracing) link.ask("trace_end", {}, "node").catch(() => {}); // it ends by itself, too
});

// --- The page.

$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  $("pause").textContent = paused ? "Go on" : "Pause";
  polls.forEach((poll) => poll.now());
});

$("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  link.prove($("token").value.trim());
});
