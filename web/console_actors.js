// The actors with the most to do, of all processes, a page at a time.

import { $, called, fill, micros, number, text } from "/console_table.js";

const page_rows = 25;
const rows_max = 1000; // of each process

const measures = { mailbox: (row) => row.waiting, busy: (row) => row.busy, rate: (row) => row.rate, longest: (row) => row.longest_ms, handling: (row) => row.handling_ms };

let place = 0; // of the first actor that is shown
let rows = [];

export async function look_at_actors(link) {
  const sort = $("sort").value;
  const args = { sort, rates: true, limit: Math.min(rows_max, place + page_rows + 1) };
  if ($("kind").value) args.kind = $("kind").value;
  if ($("name").value.trim()) args.name = $("name").value.trim();
  const answers = await link.ask("actors", args);
  const most = measures[sort];
  rows = answers.flatMap(({ role, name, result }) => (result?.actors ?? []).map((row) => ({ process: called({ role, name }), ...row })))
    .sort((a, b) => (most(b) ?? 0) - (most(a) ?? 0) || a.process.localeCompare(b.process) || a.id - b.id);
  show_actors(answers.reduce((sum, { result }) => sum + (result?.matching ?? 0), 0));
}

function show_actors(matching) {
  const columns = [{ title: "actor" }, { title: "name" }, { title: "process" }, ...["waiting", "per second", "busy", "handled", "longest", "now in a handler", "id"]
    .map((title) => ({ title, numeric: true }))];
  const shown = rows.slice(place, place + page_rows);
  fill($("top"), "Actors with the most", columns, shown.map((row) => ({ cells: [row.kind, text(row.name), row.process, number(row.waiting), number(row.rate, 1),
    row.busy === undefined ? "–" : `${number(100 * row.busy, 1)} %`, number(row.handled), micros(row.longest_ms * 1e3),
    row.handling ? `${row.handling}, ${micros(row.handling_ms * 1e3)}` : "–", row.id] })));
  $("page").textContent = shown.length ? `${number(place + 1)} to ${number(place + shown.length)} of ${number(matching)}` : "none";
  $("earlier").disabled = place === 0;
  $("later").disabled = rows.length <= place + page_rows || place + 2 * page_rows > rows_max;
}

/** `changed`: the reader wants something else; to be looked at at once. */
export function start_actors(changed) {
  const turn_page = (by) => {
    place = Math.max(0, place + by);
    changed();
  };
  $("earlier").addEventListener("click", () => turn_page(-page_rows));
  $("later").addEventListener("click", () => turn_page(page_rows));
  $("actors-choice").addEventListener("input", () => turn_page(-place));
  $("actors-choice").addEventListener("submit", (event) => event.preventDefault());
}
