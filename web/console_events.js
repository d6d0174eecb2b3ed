// What all processes have logged, in one order.

import { answering } from "/console_cluster.js";
import { $, called, fill } from "/console_table.js";

const events_max = 1000; // kept here; beyond: the oldest go

const events = [];
const events_after = new Map(); // "role name incarnation" -> number

export async function look_at_events(link) {
  // Each process counts for itself, so each is asked from where it was read to.
  const known = answering();
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
