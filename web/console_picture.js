// The cluster as a picture: the master, the nodes, the shards, and who sees whom.

const svg_names = "http://www.w3.org/2000/svg";
const width = 190, height = 94, shard_height = 76, gap = 22, margin = 12;
const tops = { master: 12, node: 156, shard: 322 };

function shape(name, attributes, ...children) {
  const result = document.createElementNS(svg_names, name);
  for (const [key, value] of Object.entries(attributes)) result.setAttribute(key, value);
  result.append(...children);
  return result;
}

function box({ title, lines, state }, x, y, tall = height) {
  const label = `${title}: ${lines.filter(Boolean).join(", ")}`;
  const result = shape("g", { class: `box ${state}`, transform: `translate(${x} ${y})`, role: "group", "aria-label": label });
  const tip = shape("title", {});
  tip.textContent = label;
  result.append(tip, shape("rect", { width, height: tall, rx: 10 }), shape("circle", { cx: 16, cy: 20, r: 5 }));
  [title, ...lines].forEach((line, i) => {
    const text = shape("text", i ? { x: 16, y: 28 + i * 18 } : { x: 28, y: 25, class: "name" });
    text.textContent = line.length > 25 ? `${line.slice(0, 23)}…` : line;
    result.append(text);
  });
  return result;
}

/**
 * @param model {processes: [{role, name, title, lines, state, master}], shards: [{name, title, lines, state}],
 *               links: [{node, shard, state}]}; states: "up", "warn", "bad", "gone"
 */
export function draw(svg, { processes, shards, links }) {
  const nodes = processes.filter((one) => one.role === "node");
  const masters = processes.filter((one) => one.role === "master");
  const total = Math.max(nodes.length, shards.length, 2) * (width + gap) - gap + 2 * margin;
  const place = (list, i) => (total - (list.length * (width + gap) - gap)) / 2 + i * (width + gap);
  const foot = tops.shard + shard_height + margin;
  svg.setAttribute("viewBox", `0 0 ${total} ${foot}`);
  svg.setAttribute("width", total);
  svg.setAttribute("height", foot);
  const lines = shape("g", { class: "lines", "aria-hidden": "true" });
  const line = (x1, y1, x2, y2, state) => lines.append(shape("path", {
    class: `line ${state}`, d: `M${x1} ${y1} C ${x1} ${(y1 + y2) / 2}, ${x2} ${(y1 + y2) / 2}, ${x2} ${y2}` }));
  const middle = width / 2;
  nodes.forEach((node, i) => {
    const x = place(nodes, i) + middle;
    masters.forEach((_, m) => line(place(masters, m) + middle, tops.master + height, x, tops.node, node.state === "gone" ? "gone" : node.master));
    shards.forEach((shard, s) => {
      const state = links.find((one) => one.node === node.name && one.shard === shard.name)?.state;
      if (state) line(x, tops.node + height, place(shards, s) + middle, tops.shard, state);
    });
  });
  svg.replaceChildren(lines,
    ...masters.map((one, i) => box(one, place(masters, i), tops.master)),
    ...nodes.map((one, i) => box(one, place(nodes, i), tops.node)),
    ...shards.map((one, i) => box(one, place(shards, i), tops.shard, shard_height)));
  svg.setAttribute("aria-label", `${nodes.filter((n) => n.state !== "gone").length} nodes, ${shards.length} shards`);
}
