// Tables, and the small things that all parts of the page show.

export const $ = (id) => document.getElementById(id);

/** A process, as it is named on this page: there is one master, called so. */
export const called = ({ role, name }) => (role === name ? role : `${role} ${name}`);

export function element(name, properties = {}, ...children) {
  const result = Object.assign(document.createElement(name), properties);
  result.append(...children);
  return result;
}

/** A number as people read it; "–" for what is not known. */
export function number(value, digits = 0) {
  if (typeof value !== "number" || !Number.isFinite(value)) return "–";
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

export const text = (value) => (value === undefined || value === null || value === "" ? "–" : String(value));
export const milliseconds = (value) => (typeof value === "number" ? `${number(value, 1)} ms` : "–");
export const mebibytes = (value) => (typeof value === "number" ? `${number(value / 2 ** 20, 1)} MiB` : "–");

/** "3 s", "4 min", "5 h", "6 d" */
export function duration(seconds) {
  if (typeof seconds !== "number") return "–";
  for (const [unit, size] of [["d", 86_400], ["h", 3_600], ["min", 60]]) if (seconds >= 2 * size) return `${Math.floor(seconds / size)} ${unit}`;
  return `${Math.floor(seconds)} s`;
}

/** Of microseconds: "850 µs", "1.25 ms" */
export const micros = (value) => (typeof value !== "number" ? "–" : value < 1000 ? `${number(value, 1)} µs` : `${number(value / 1000, 2)} ms`);

/**
 * Fills `table` with rows, whose cells are text or elements. Where nothing has changed nothing is touched, so that a
 * reader keeps what is selected.
 * @param columns [{title, numeric}]
 * @param rows [{cells: [], className}]
 */
export function fill(table, caption, columns, rows) {
  if (!table.tHead) {
    table.append(element("caption", { className: "hidden", textContent: caption }));
    const head = table.createTHead().insertRow();
    for (const { title, numeric } of columns) head.append(element("th", { scope: "col", textContent: title, className: numeric ? "numeric" : "" }));
    table.createTBody();
  }
  const body = table.tBodies[0];
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach(({ cells, className = "" }, y) => {
    const row = body.rows[y] ?? body.insertRow();
    if (row.className !== className) row.className = className;
    cells.forEach((cell, x) => {
      const place = row.cells[x] ?? row.appendChild(element(x ? "td" : "th", { scope: x ? undefined : "row", className: columns[x].numeric ? "numeric" : "" }));
      if (cell instanceof Node) place.replaceChildren(cell);
      else if (place.textContent !== String(cell) || place.firstElementChild) place.textContent = cell;
    });
  });
}
