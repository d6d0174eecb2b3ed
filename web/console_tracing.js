// Asks for a trace, and shows it while it comes.

import { $ } from "/console_table.js";
import { draw, merge } from "/console_trace.js";

let tracing = 0; // counts, so that one which is begun anew ends the one before

export function start_tracing(link) {
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
        const messages = merge(await link.ask("trace_read", {}, "node"), asked, Date.now());
        if (turn !== tracing) return;
        draw($("ways"), messages);
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
}
