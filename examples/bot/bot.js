// A bot that sits in a room and answers, with nothing but `ws`.
//
//   ./dev up                                                        (a cluster, in another terminal)
//   cd examples/bot && npm ci && node bot.js lobby ws://127.0.0.1:8080/ws ws://127.0.0.1:8081/ws
//
// Say one of these in the room:
//   !time         what time it is, in UTC
//   !echo TEXT    TEXT
//   !words        how many words each user has said since the bot came
//
// It is called "bot"; STARLING_USER names it otherwise, and STARLING_TOKEN opens its session with a token. It comes back
// by itself when a node goes away, reads what it missed, and answers each command once, even if it had to ask twice:
// an answer's `key` is made from the number of the message that it answers, and the server knows a repeat by its key.

import process from 'node:process';
import WebSocket from 'ws';

const [room, ...nodes] = process.argv.slice(2);
if (!room || nodes.length === 0) {
  console.error('usage: node bot.js ROOM ws://HOST:PORT/ws...');
  process.exit(2);
}
const user = process.env.STARLING_USER ?? 'bot';
const token = process.env.STARLING_TOKEN;

const requestTimeoutMs = 10_000;
const silenceMs = 60_000; // the server pings more often than this
const backoffMs = { min: 250, max: 10_000 };
const usersMax = 1_000; // whose words are counted

const words = new Map(); // user -> words said
let log; // of the room, as far as we read it: {epoch, seq}; none before the first join
let socket;
let backoff = backoffMs.min;
let stayAwayMs = 0; // as the node said before it closed the connection; 0: nothing
let lastId = 0;
const requests = new Map(); // id -> {resolve, reject, timer}

const commands = {
  time: () => new Date().toISOString(),
  echo: (text) => text || 'echo what?',
  words: () => [...words].sort((a, b) => b[1] - a[1]).slice(0, 10).map(([who, n]) => `${who}: ${n}`).join(', ') || 'nobody said anything',
};

class Refused extends Error {
  constructor({ code, message, data }) {
    super(`${code} ${message}`);
    this.retry = data?.retry ?? false;
    this.afterMs = data?.retry_after_ms ?? 1_000;
  }
}

// The answer to a request. Rejects with Refused, or with an Error if the connection was lost meanwhile.
function request(method, params) {
  return new Promise((resolve, reject) => {
    if (socket.readyState !== WebSocket.OPEN) return reject(new Error('not connected'));
    const id = ++lastId;
    const timer = setTimeout(() => socket.terminate(), requestTimeoutMs); // its 'close' rejects all that wait
    requests.set(id, { resolve, reject, timer });
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Answers message `seq`. If the connection is lost before the acknowledgement, we read the message again after the
// reconnect (see `take`), and the key makes the second answer the same as the first.
async function answer(message, text) {
  const params = { room, text, key: `answer-${message.epoch}-${message.seq}` };
  for (;;) {
    try {
      return await request('message.send', params);
    } catch (error) {
      if (!(error instanceof Refused && error.retry)) throw error;
      await pause(error.afterMs);
    }
  }
}

// One message of the room, in the order of the log. Only when it is dealt with do we note it as read.
async function handle(message) {
  if (message.from !== user) {
    const [, name, text] = /^!(\w+)\s*(.*)$/s.exec(message.text) ?? [];
    if (name && Object.hasOwn(commands, name)) await answer(message, commands[name](text));
    if (words.has(message.from) || words.size < usersMax) {
      const said = message.text.split(/\s+/).filter(Boolean).length;
      words.set(message.from, (words.get(message.from) ?? 0) + said);
    }
  }
  log = { epoch: message.epoch, seq: message.seq };
}

// Messages wait for their turn: one after the other, each once. What is still waiting when the connection is lost comes
// again by `room.join {since}`.
let turn = Promise.resolve();
function take(message, from) {
  turn = turn.then(async () => {
    if (from !== socket) return; // of a connection that is gone
    if (message.epoch === log.epoch && message.seq <= log.seq) return; // came by the join as well
    await handle(message);
  }).catch((error) => {
    console.error(`message ${message.seq}: ${error.message}`);
    // Without its answer this message must not count as read, nor the ones behind it: begin again from here.
    if (error instanceof Refused) log = { epoch: message.epoch, seq: message.seq };
    else from.terminate();
  });
}

// Joins the room and reads what was said since we last read; at the very first time we begin with what comes.
async function enter() {
  const from = socket;
  // What was pushed meanwhile has a place behind what the join answers.
  const pushed = [];
  onMessage = (message) => pushed.push(message);
  let info = await request('room.join', log ? { room, since: log.seq } : { room });
  if (!log) log = { epoch: info.epoch, seq: info.seq };
  if (log.epoch !== info.epoch) { // the room's shard lost its log, and the new one counts from the start
    log = { epoch: info.epoch, seq: 0 };
    info = await request('room.history', { room, after: 0, limit: 300 });
  }
  for (let at = log.seq; ; ) {
    for (const message of info.messages ?? []) take(message, from);
    if (!info.more || info.messages.length === 0) break;
    at = info.messages.at(-1).seq;
    info = await request('room.history', { room, after: at, limit: 300 });
  }
  for (const message of pushed) take(message, from);
  onMessage = (message) => take(message, from);
  console.log(`in ${room}, read up to ${log.seq}`);
}

let onMessage = () => {};

function receive(frame) {
  if (frame.method === 'session.opened') {
    console.log(`connected to node ${frame.params.node} as ${frame.params.user}`);
    backoff = backoffMs.min;
    const from = socket;
    enter().catch((error) => {
      console.error(`cannot join ${room}: ${error.message}`);
      from.terminate();
    });
  } else if (frame.method === 'message') {
    if (frame.params.room === room) onMessage(frame.params);
  } else if (frame.method === 'room.gap') {
    console.error(`messages ${frame.params.from} to ${frame.params.to} of ${frame.params.room} are gone`);
  } else if (frame.method === 'session.closing') {
    stayAwayMs = frame.params.reconnect_in_ms;
  } else if (!frame.method && requests.has(frame.id)) {
    const { resolve, reject, timer } = requests.get(frame.id);
    requests.delete(frame.id);
    clearTimeout(timer);
    if (frame.error) reject(new Refused(frame.error));
    else resolve(frame.result);
  }
}

function connect(attempt) {
  const url = new URL(nodes[attempt % nodes.length]);
  if (!token) url.searchParams.set('user', user);
  const ws = new WebSocket(url, { handshakeTimeout: 5_000, headers: token ? { Authorization: `Bearer ${token}` } : {} });
  socket = ws;

  let silence;
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(() => ws.terminate(), silenceMs);
  };
  ws.on('open', heard);
  ws.on('ping', heard);
  ws.on('message', (text) => {
    heard();
    try {
      receive(JSON.parse(text));
    } catch (error) {
      console.error(`not understood: ${error.message}`);
      ws.terminate();
    }
  });
  ws.on('error', (error) => console.error(`${url.host}: ${error.message}`));
  ws.on('close', async (code) => {
    clearTimeout(silence);
    for (const { reject, timer } of requests.values()) {
      clearTimeout(timer);
      reject(new Error('connection lost'));
    }
    requests.clear();
    if (code === 4001) {
      console.error('the token was refused');
      process.exit(1);
    }
    if (stayAwayMs > 0) {
      await pause(stayAwayMs); // the node spreads its clients by this
      stayAwayMs = 0;
    } else {
      // Jitter: all clients of a node that died come at once otherwise.
      await pause(backoff / 2 + Math.random() * (backoff / 2));
      backoff = Math.min(backoff * 2, backoffMs.max);
    }
    connect(attempt + 1);
  });
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(0));
connect(0);
