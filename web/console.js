// The console in a browser: asks the node that it came from, which asks all processes, and shows what they say.

import { look_at_actors, start_actors } from "/console_actors.js";
import { look_at_processes, look_at_shards, look_at_slots } from "/console_cluster.js";
import { look_at_events } from "/console_events.js";
import { ConsoleLink } from "/console_link.js";
import { $ } from "/console_table.js";
import { start_tracing } from "/console_tracing.js";

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
    await ask(link).catch(() => {}); // said by the link already; the next turn asks again
    busy = false;
  };
  setInterval(now, ms);
  return { now };
}

const actors = every(2000, look_at_actors);
const polls = [every(1000, look_at_processes), every(2000, look_at_shards), every(5000, look_at_slots), actors, every(1000, look_at_events)];

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

start_actors(actors.now);
start_tracing(link);
