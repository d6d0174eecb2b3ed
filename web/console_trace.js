// A trace: what the nodes have noted of a message, put together, and drawn as a timeline.

import { element, micros } from "./console_table.js";

/**
 * Puts what the nodes have noted into messages: [{room, epoch, seq, from, total_us, hops: [{hop, node, at_us, step_us, detail}]}].
 * Clocks of machines differ: what a node says to be now, against when it was asked and answered, tells by how much.
 * @param answers [{name, result: {now, messages: [{room, epoch, seq, from, hops: [{hop, at, detail}]}]}}], times in ns
 * @param asked, answered  of this page, ms
 */
export function merge(answers, asked, answered) {
  const found = new Map();
  for (const { name, result } of answers) {
    if (!result?.messages) continue;
    const now_ms = result.now / 1e6;
    const off_ms = now_ms < asked ? now_ms - asked : now_ms > answered ? now_ms - answered : 0;
    for (const message of result.messages) {
      const { room, epoch, seq, from } = message;
      const key = JSON.stringify([room, epoch, seq]);
      const one = found.get(key) ?? { room, epoch, seq, from, hops: [] };
      found.set(key, one);
      one.from ||= from;
      for (const { hop, at, detail } of message.hops) one.hops.push({ hop, node: name, detail, at_us: at / 1e3 - off_ms * 1e3 });
    }
  }
  for (const one of found.values()) {
    one.hops.sort((a, b) => a.at_us - b.at_us);
    const begin = one.hops[0]?.at_us ?? 0;
    let before = 0;
    for (const hop of one.hops) {
      hop.at_us -= begin;
      hop.step_us = hop.at_us - before;
      before = hop.at_us;
    }
    one.total_us = before;
  }
  return [...found.values()];
}

/** A list of messages as timelines, the hops of each below one another. */
export function draw(place, messages) {
  place.replaceChildren(...messages.map(({ room, epoch, seq, from, total_us, hops }) => {
    const list = element("ol", { className: "way" });
    const nodes = [...new Set(hops.map((hop) => hop.node))];
    for (const { hop, node, at_us, step_us, detail } of hops) {
      const bar = element("span", { className: `step of${nodes.indexOf(node) % 4}` });
      const share = (value) => `${total_us > 0 ? Math.min(100, (100 * value) / total_us) : 0}%`;
      bar.style.setProperty("left", share(at_us - step_us));
      bar.style.setProperty("width", share(step_us));
      list.append(element("li", {},
        element("span", { className: "hop", textContent: hop, title: detail ?? "" }),
        element("span", { className: "at", textContent: node }),
        element("span", { className: "line", ariaHidden: "true" }, bar),
        element("span", { className: "time", textContent: `+${micros(step_us)}`, title: `at ${micros(at_us)}` })));
    }
    const heading = element("h3", { textContent: `${room} · ${epoch}-${seq} · from ${from} · ${micros(total_us)}` });
    return element("article", {}, heading, list);
  }));
}
