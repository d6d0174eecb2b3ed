// The page: shows conversations, and carries what the user does to the connection.

import { Connection } from "./connection.js";
import { Conversation, dialogue_room, peer_in } from "./conversations.js";

const $ = (id) => document.getElementById(id);
const typing_shown_ms = 3_000;
const typing_sent_ms = 1_500;
const watched_max = 1000; // the server allows no more

let me = "";
let current = null; // the room that is shown
const conversations = new Map();
const online = new Map(); // user -> bool, of those that are watched
let typing_sent_at = 0;

const own_url = location.origin.replace(/^http/, "ws") + "/ws";
const connection = new Connection(own_url, { opened, notified, changed, ended });

// --- Entering and leaving.

$("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = $("token").value.trim();
  const user = $("name").value.trim();
  if (!token && !user) return $("name").focus();
  $("refused").hidden = true;
  connection.start(token ? { token } : { user });
});

$("out").addEventListener("click", () => {
  connection.stop();
  location.reload();
});

function ended(reason) {
  $("refused").textContent = reason;
  $("refused").hidden = false;
  $("chat").hidden = true;
  $("entrance").hidden = false;
  $("name").focus();
}

function changed(state) {
  const words = { connecting: "connecting…", open: "online", lost: "reconnecting…", closed: "offline" };
  $("state").textContent = words[state];
  $("state").className = `state ${state}`;
}

// --- Opening, also after each reconnect: what is here already is completed by room.sync.

async function opened(session) {
  const first = me === "";
  me = session.user;
  $("me").textContent = `${me} @ ${session.node}`;
  $("entrance").hidden = true;
  $("chat").hidden = false;
  if (first) learn_nodes();
  learn_titles();

  const known = new Set();
  for (const one of session.rooms) {
    known.add(one.room);
    const c = conversations.get(one.room);
    if (!c) {
      conversations.set(one.room, new Conversation(one.room, one));
    } else if (one.unavailable) {
      continue; // its shard is away: what is shown stays true until it is back
    } else if (c.epoch !== one.epoch) {
      c.restart(one.epoch);
    } else {
      c.seq = Math.max(c.seq, one.seq);
      c.read = Math.max(c.read, one.read);
    }
  }
  for (const room of conversations.keys()) if (!known.has(room) && !room.startsWith("dm:")) conversations.delete(room);
  await sync();
  for (const c of conversations.values()) for (const one of c.waiting) deliver(c, one);
  const peers = [...conversations.keys()].map((room) => peer_in(room, me)).filter(Boolean);
  watch([...new Set([...peers, ...online.keys()])], true);
  if (current && conversations.has(current)) show(current);
  show_rooms();
}

async function sync() {
  let missing = Object.fromEntries(
    [...conversations.values()].filter((c) => c.loaded).map((c) => [c.room, c.messages.at(-1)?.seq ?? 0]));
  while (Object.keys(missing).length) {
    const { rooms } = await connection.request("room.sync", { rooms: missing }).catch(report) ?? { rooms: {} };
    missing = {};
    for (const [room, { messages, more, error }] of Object.entries(rooms)) {
      const c = conversations.get(room);
      if (!c || error) continue;
      c.add(messages);
      if (more && messages.length) missing[room] = c.last;
    }
  }
}

async function learn_titles() {
  const list = await connection.request("room.list").catch(() => null);
  for (const { room, title } of list?.rooms ?? []) {
    const c = conversations.get(room);
    if (c) c.title = title;
  }
  show_rooms();
}

async function learn_nodes() {
  try {
    const { nodes = [] } = await (await fetch("/nodes")).json();
    connection.know(nodes.map((n) => n.url ?? n).filter((u) => typeof u === "string"));
  } catch { /* this node alone, then */ }
}

// --- What the server says by itself.

function notified(method, params) {
  const c = params?.room ? conversations.get(params.room) : null;
  if (method === "message") return message(params);
  if (method === "presence") {
    online.set(params.user, params.online);
    show_people();
    return show_rooms();
  }
  if (method === "session.closing") return notice(params.reason);
  if (method === "session.expiring") return notice("Your token expires soon: enter again with a new one.");
  if (method === "room.available") return available(params);
  if (!c) {
    if (method === "member" && params.user === me && params.change === "added") join(params.room, false);
    return;
  }
  if (method === "typing") {
    c.typing.set(params.user, Date.now() + typing_shown_ms);
    setTimeout(show_typing, typing_shown_ms + 50);
    return show_typing();
  }
  if (method === "read" && params.user === me) {
    c.read = Math.max(c.read, params.seq);
    return show_rooms();
  }
  if (method === "member") return member(c, params);
  if (method === "room.gap" && c.room === current) {
    event_line(`messages ${params.from} to ${params.to} are no longer kept`);
  }
}

// A room whose shard was away when the session opened.
function available({ room, epoch, seq }) {
  const c = conversations.get(room);
  if (!c) conversations.set(room, new Conversation(room, { epoch, seq, read: seq }));
  else if (c.epoch && c.epoch !== epoch) c.restart(epoch);
  else Object.assign(c, { epoch, seq: Math.max(c.seq, seq) });
  learn_titles();
  sync().then(() => (room === current ? show(room) : show_rooms()));
}

function message(m) {
  let c = conversations.get(m.room);
  if (!c) conversations.set(m.room, c = new Conversation(m.room, { epoch: m.epoch, seq: m.seq - 1, read: m.seq - 1 }));
  if (c.epoch !== m.epoch) c.restart(m.epoch);
  c.typing.delete(m.from);
  if (m.from === me) c.read = Math.max(c.read, m.seq);
  if (c.loaded) {
    const fresh = c.add([m]);
    if (c.room === current) fresh.forEach((m) => append(m));
  }
  c.seq = Math.max(c.seq, m.seq);
  if (c.room === current) {
    c.people.add(m.from);
    mark_read(c);
    show_typing();
  }
  show_rooms();
}

function member(c, { user, change, by, role }) {
  if (user === me && (change === "left" || change === "removed")) {
    conversations.delete(c.room);
    if (current === c.room) close_room();
    return show_rooms();
  }
  if (change === "left" || change === "removed") c.people.delete(user);
  if (change === "joined" || change === "added") watch([user]).then(() => c.people.add(user)).then(show_people);
  if (c.room !== current) return;
  const by_whom = by && by !== user ? ` by ${by}` : "";
  event_line(change === "role" ? `${user} is now ${role}${by_whom}` : `${user} ${change}${by_whom}`);
}

// --- What the user does.

$("join").addEventListener("submit", (event) => {
  event.preventDefault();
  const room = $("room").value.trim();
  if (room) join(room, true).then((done) => done && ($("room").value = ""));
});

$("talk").addEventListener("submit", (event) => {
  event.preventDefault();
  const user = $("peer").value.trim();
  if (!user || user === me) return;
  $("peer").value = "";
  talk_to(user);
});

async function join(room, then_show) {
  const info = await connection.request("room.join", { room }).catch(report);
  if (!info) return false;
  if (!conversations.has(room)) conversations.set(room, new Conversation(room, { ...info, read: info.seq }));
  if (then_show) show(room);
  show_rooms();
  return true;
}

function talk_to(user) {
  const room = dialogue_room(me, user);
  if (!conversations.has(room)) {
    const c = new Conversation(room);
    c.loaded = true; // nothing is there before the first message
    conversations.set(room, c);
  }
  watch([user]);
  show(room);
  show_rooms();
}

$("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  const c = conversations.get(current);
  if (!text || !c) return;
  $("text").value = "";
  fit();
  const one = { key: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, text };
  c.waiting.push(one);
  append_waiting(one);
  deliver(c, one);
});

// Sent again with the same key after a reconnect, so that it is in the log once.
async function deliver(c, { key, text }) {
  const peer = peer_in(c.room, me);
  const target = peer ? { to: peer } : { room: c.room };
  try {
    const { seq, epoch } = await connection.request("message.send", { ...target, text, key });
    if (!c.epoch) c.epoch = epoch;
    c.acknowledge(key);
    c.read = Math.max(c.read, seq);
  } catch (error) {
    if (error.lost) return;
    if (error.data?.retry) return void setTimeout(() => deliver(c, { key, text }), error.data.retry_after_ms ?? 1000);
    c.acknowledge(key);
    document.querySelector(`[data-key="${key}"]`)?.remove();
    $("text").value ||= text;
    report(error);
  }
}

$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("say").requestSubmit();
  }
});

$("text").addEventListener("input", () => {
  fit();
  if (current && Date.now() - typing_sent_at > typing_sent_ms && $("text").value) {
    typing_sent_at = Date.now();
    connection.notify("typing", { room: current });
  }
});

$("back").addEventListener("click", () => {
  close_room();
  show_rooms();
});

addEventListener("focus", () => current && mark_read(conversations.get(current)));

// --- Showing.

async function show(room) {
  const c = conversations.get(room);
  const peer = peer_in(room, me);
  current = room;
  $("title").textContent = peer ?? (c.title || room);
  document.title = `${$("title").textContent} · Starling`;
  $("chat").classList.add("reading");
  $("empty").hidden = true;
  $("say").hidden = false;
  $("notice").hidden = true;
  show_messages(c);
  show_rooms();
  show_typing();
  $("text").focus({ preventScroll: true });

  if (!c.loaded) {
    const history = await connection.request("room.history", { room, limit: 100 }).catch(report);
    if (!history) return;
    if (c.epoch !== history.epoch) c.restart(history.epoch);
    c.add(history.messages);
    c.loaded = true;
    if (current === room) show_messages(c);
  }
  mark_read(c);
  await who(c);
}

async function who(c) {
  const peer = peer_in(c.room, me);
  const present = peer ? { users: [me, peer] } : await connection.request("room.who", { room: c.room }).catch(() => null);
  c.people = new Set([...(present?.users ?? []), ...c.messages.slice(-200).map((m) => m.from)]);
  await watch([...c.people]);
  if (current === c.room) show_people();
}

async function watch(users, again = false) {
  const room_left = Math.max(0, watched_max - (again ? 0 : online.size));
  const fresh = users.filter((u) => again || !online.has(u)).slice(0, room_left);
  if (!fresh.length) return;
  const answer = await connection.request("presence.watch", { users: fresh }).catch(() => null);
  for (const one of answer?.users ?? []) online.set(one.user, one.online);
  show_people();
  show_rooms();
}

function close_room() {
  current = null;
  $("chat").classList.remove("reading");
  $("messages").replaceChildren();
  $("empty").hidden = false;
  $("say").hidden = true;
  $("title").textContent = "Starling";
  show_people();
}

function mark_read(c) {
  if (!c || document.hidden || c.room !== current || c.read >= c.seq) return;
  c.read = c.seq;
  connection.request("message.read", { room: c.room, seq: c.seq }).catch(() => {});
  show_rooms();
}

function element(name, properties = {}, ...children) {
  const result = Object.assign(document.createElement(name), properties);
  result.append(...children);
  return result;
}

const dot = (user) => element("span", { className: `dot ${online.get(user) ? "on" : ""}`, title: online.get(user) ? "online" : "offline" });

function show_rooms() {
  const lists = { rooms: [], dialogues: [] };
  const sorted = [...conversations.values()].sort((a, b) => a.room.localeCompare(b.room));
  for (const c of sorted) {
    const peer = peer_in(c.room, me);
    const name = peer ?? (c.title || c.room);
    const button = element("button", { type: "button", onclick: () => show(c.room) });
    if (peer) button.append(dot(peer));
    button.append(element("span", { textContent: name }));
    if (c.unread && c.room !== current) {
      button.append(element("span", { className: "count", textContent: c.unread > 999 ? "999+" : c.unread, ariaLabel: `${c.unread} unread` }));
    }
    if (c.room === current) button.setAttribute("aria-current", "true");
    lists[peer ? "dialogues" : "rooms"].push(element("li", {}, button));
  }
  for (const [id, items] of Object.entries(lists)) $(id).replaceChildren(...items);
}

function show_people() {
  const c = conversations.get(current);
  const here = c ? [...c.people].filter((u) => u === me || online.get(u)).sort() : [];
  $("people").replaceChildren(...here.map((user) => {
    const button = element("button", { type: "button", disabled: user === me, onclick: () => talk_to(user) });
    button.append(element("span", { className: "dot on" }), element("span", { textContent: user === me ? `${user} (you)` : user }));
    return element("li", {}, button);
  }));
  $("subtitle").textContent = c && !peer_in(c.room, me) ? `${here.length} online` : "";
}

function show_typing() {
  const c = conversations.get(current);
  const now = Date.now();
  const who_types = c ? [...c.typing].filter(([user, until]) => until > now && user !== me).map(([user]) => user) : [];
  $("typing").textContent = who_types.length === 0 ? "" : who_types.length === 1
    ? `${who_types[0]} is typing…` : `${who_types.slice(0, 3).join(", ")} are typing…`;
}

let last_from = "";
let last_at = 0;

function show_messages(c) {
  $("messages").replaceChildren();
  last_from = "";
  for (const m of c.messages) append(m, false);
  for (const one of c.waiting) append_waiting(one);
  to_end(true);
}

function append(m, follow = true) {
  if (m.key) document.querySelector(`[data-key="${CSS.escape(m.key)}"]`)?.remove();
  const at = new Date(m.at);
  if (m.from !== last_from || at - last_at > 300_000) {
    const time = element("time", { dateTime: m.at, textContent: at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }), title: at.toLocaleString() });
    $("messages").append(element("li", { className: "by" }, m.from, time));
  }
  last_from = m.from;
  last_at = at;
  $("messages").append(element("li", { className: `said ${m.from === me ? "own" : ""}`, textContent: m.text }));
  if (follow) to_end(m.from === me);
}

function append_waiting({ key, text }) {
  const item = element("li", { className: "said own waiting", textContent: text, title: "not yet in the log" });
  item.dataset.key = key;
  $("messages").append(item);
  to_end(true);
}

function event_line(text) {
  $("messages").append(element("li", { className: "event", textContent: text }));
  last_from = "";
  to_end(false);
}

// Follows what comes, unless the reader has gone back.
function to_end(always) {
  const box = $("messages");
  if (always || box.scrollHeight - box.scrollTop - box.clientHeight < 150) box.scrollTop = box.scrollHeight;
}

function fit() {
  $("text").style.height = "auto";
  const borders = $("text").offsetHeight - $("text").clientHeight;
  $("text").style.height = `${$("text").scrollHeight + borders}px`;
}

function notice(text) {
  $("notice").textContent = text;
  $("notice").hidden = false;
}

function report(error) {
  if (!error.lost) notice(error.message);
}
