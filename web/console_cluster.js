// Which processes there are, how they stand, and which shards: as a picture and as tables.

import { draw as draw_picture } from "/console_picture.js";
import { $, called, duration, element, fill, mebibytes, micros, milliseconds, number, text } from "/console_table.js";

const gone_shown_ms = 60_000; // a process that has ended is still shown

const processes = new Map(); // "role name" -> {role, name, incarnation, result, error, seen}
const shard_rows = new Map(); // node -> {at_us, shards: [{name, rates, ...}]}, of the command "shards"
let slot_answers = [];

/** Those that answered when they were last asked. */
export const answering = () => sorted().filter((one) => !one.gone && !one.error);

export async function look_at_processes(link) {
  const now = Date.now();
  for (const one of await link.ask("process")) processes.set(`${one.role} ${one.name}`, { ...processes.get(`${one.role} ${one.name}`), result: undefined, error: undefined, ...one, seen: now });
  for (const [key, { seen }] of processes) if (now - seen > gone_shown_ms) processes.delete(key);
  for (const one of processes.values()) one.gone = one.seen < now;
  show_processes();
  show_picture();
}

const sorted = () => [...processes.values()].sort((a, b) => a.role.localeCompare(b.role) || a.name.localeCompare(b.name));

function standing({ role, gone, error, result = {} }) {
  if (gone) return ["gone", "gone"];
  if (error) return ["bad", error];
  if (result.state === "draining") return ["warn", "leaving"];
  if (role === "node" && result.ready === false) return ["warn", (result.missing ?? []).join("; ") || "not ready"];
  if (role === "node" && result.master_reachable === false) return ["warn", "without the master"];
  return ["up", "up"];
}

function show_processes() {
  const columns = [{ title: "process" }, { title: "state" }, ...["up", "sessions", "rooms", "actors", "waiting", "restarts", "heartbeat", "loop lag", "memory"]
    .map((title) => ({ title, numeric: true })), { title: "epoch" }, { title: "digest" }, { title: "version" }];
  const all = sorted();
  const tables = new Set(all.filter((one) => one.result?.digest).map(({ result }) => `${result.epoch} ${result.digest}`));
  const heard = new Map(all.flatMap((one) => one.result?.nodes ?? []).map(({ name, heard_ms }) => [name, heard_ms])); // by the master
  fill($("processes"), "Processes of the cluster", columns, all.map((one) => {
    const r = one.result ?? {};
    const [state, words] = standing(one);
    const mark = element("span", { className: `mark ${state}`, textContent: words });
    const agree = tables.size > 1 && r.digest ? " ≠" : "";
    return { className: state, cells: [called(one), mark, duration(r.uptime_s), number(r.sessions), number(r.rooms), number(r.actors),
      number(r.messages_waiting), number(r.restarts), milliseconds(heard.get(one.name)), milliseconds(r.loop_lag_max_ms), mebibytes(r.memory_bytes),
      text(r.epoch) + agree, r.digest ? `${r.digest.slice(0, 8)}${agree}` : "–", text(r.version)] };
  }));
  const nodes = all.filter((one) => one.role === "node" && one.result);
  const sum = (name) => nodes.reduce((total, one) => total + (one.result[name] ?? 0), 0);
  $("summary").textContent = [counted(nodes.length, "node"), counted(sum("sessions"), "session"), counted(sum("rooms"), "active room"),
    `${counted(sum("messages_waiting"), "message")} waiting`].join(" · ")
    + (tables.size > 1 ? " · nodes disagree about the slots" : "");
}

const counted = (n, what) => `${number(n)} ${what}${n === 1 ? "" : "s"}`;

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
      const row = shard_rows.get(name)?.shards.find((each) => each.name === shard);
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

export async function look_at_shards(link) {
  const answers = await link.ask("shards", {}, "node");
  const before = new Map(shard_rows);
  shard_rows.clear();
  for (const { name, result } of answers) if (Array.isArray(result?.shards)) shard_rows.set(name, with_rates(result, before.get(name)));
  const columns = [{ title: "shard" }, { title: "node" }, { title: "state" }, ...["calls/s", "p50", "p99", "waiting", "channels", "news/s", "KiB/s", "reconnects"]
    .map((title) => ({ title, numeric: true })), { title: "reason" }];
  const rows = [];
  for (const [node, { shards }] of shard_rows) for (const r of shards) rows.push({ key: `${r.name} ${node}`, className: r.state === "up" ? "" : "bad",
    cells: [r.name, node, text(r.state), number(r.rates?.calls, 1), micros(r.p50_us), micros(r.p99_us), number(r.waiting),
      number(r.subscriptions), number(r.rates?.publications, 1), number(r.rates && r.rates.published_bytes / 1024, 1), number(r.reconnects), text(r.reason)] });
  fill($("shards"), "Shards, as each node sees them", columns, rows.sort((a, b) => a.key.localeCompare(b.key)));
}

/** What came between two looks, per second. */
function with_rates({ at_us, shards }, before) {
  const seconds = before && (at_us - before.at_us) / 1e6;
  return { at_us, shards: shards.map((shard) => {
    const old = before?.shards.find(({ name }) => name === shard.name);
    const rate = (what) => (old && seconds > 0 ? Math.max(0, shard[what] - old[what]) / seconds : undefined);
    return { ...shard, rates: { calls: rate("calls"), publications: rate("publications"), published_bytes: rate("published_bytes") } };
  }) };
}

export async function look_at_slots(link) {
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
