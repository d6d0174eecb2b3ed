// npm test: two processes of each peer, three redis-servers, real clients.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

const waitMs = 10_000;
const here = fileURLToPath(new URL('.', import.meta.url));
const children = [];
let directory;
let redis; // addresses

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what, holds) {
  const deadline = Date.now() + waitMs;
  for (;;) {
    if (await holds()) return;
    if (Date.now() > deadline) throw new Error(`not within ${waitMs} ms: ${what}`);
    await pause(20);
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

// Starts a process and waits for a line with `ready`. Its errors come with ours.
async function start(program, args, ready) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let isReady = false;
  createInterface({ input: child.stdout }).on('line', (line) => (isReady ||= line.includes(ready)));
  await until(`${program} ${args[0]} is ready`, () => {
    if (child.exitCode !== null) throw new Error(`${program} ${args[0]} ended with ${child.exitCode}`);
    return isReady;
  });
  return child;
}

async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await Promise.race([ended, pause(waitMs).then(() => child.kill('SIGKILL'))]);
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'peers-'));
  const ports = await Promise.all([freePort(), freePort(), freePort()]);
  const options = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', directory];
  await Promise.all(ports.map((port) => start('redis-server', ['--port', `${port}`, ...options], 'Ready to accept')));
  redis = ports.map((port) => `127.0.0.1:${port}`);
});

after(async () => {
  await Promise.all(children.map(end));
  await rm(directory, { recursive: true, force: true });
});

// A client of any peer: request(name, params), and what it was told, as [name, params].
function jsonClient(port, user) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?user=${user}`);
  const told = [];
  const waiting = new Map();
  let lastId = 0;
  socket.on('message', (data) => {
    const frame = JSON.parse(data);
    if (frame.method) told.push([frame.method, frame.params]);
    else waiting.get(frame.id)(frame.error ? { error: frame.error } : frame.result);
  });
  const request = (method, params) =>
    new Promise((resolve) => {
      waiting.set(++lastId, resolve);
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: lastId, method, params }));
    });
  const opened = () => told.some(([name, params]) => name === 'session.opened' && params.user === user);
  return { opened, told, request, close: () => socket.close() };
}

function socketioClient(port, user) {
  const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], query: { user }, forceNew: true });
  const told = [];
  socket.onAny((name, params) => told.push([name, params]));
  const request = (name, params) => socket.timeout(waitMs).emitWithAck(name, params);
  return { opened: () => socket.connected, told, request, close: () => socket.disconnect() };
}

async function open(make, port, user) {
  const client = make(port, user);
  await until(`${user} is connected`, client.opened);
  return client;
}

const countOf = (client, name) => client.told.filter(([each]) => each === name).length;
const last = (client, name) => client.told.filter(([each]) => each === name).at(-1)?.[1];

async function subscribed(channel) {
  const counts = await Promise.all(
    redis.map(async (address) => {
      const [host, port] = address.split(':');
      const link = new Redis({ host, port });
      const [, count] = await link.pubsub('NUMSUB', channel);
      link.disconnect();
      return Number(count);
    }),
  );
  return counts.filter((count) => count > 0);
}

async function talk(ann, bob, hashed) {
  assert.deepEqual(await ann.request('room.join', { room: 'tea' }), { room: 'tea' });
  assert.deepEqual(await bob.request('room.join', { room: 'tea' }), { room: 'tea' });
  if (hashed) assert.deepEqual(await subscribed('room:tea'), [2], 'both nodes, at one instance');
  const text = 'said "once"\nto ünderstand';
  assert.deepEqual(await ann.request('message.send', { room: 'tea', text }), { room: 'tea' });
  for (const each of [ann, bob]) {
    await until('the message came', () => countOf(each, 'message') === 1);
    assert.deepEqual(last(each, 'message'), { room: 'tea', from: 'ann', text });
  }
}

async function leave(ann, bob, hashed) {
  assert.deepEqual(await bob.request('room.leave', { room: 'tea' }), { room: 'tea' });
  if (hashed) await until('its node has unsubscribed', async () => (await subscribed('room:tea'))[0] === 1);
  await ann.request('message.send', { room: 'tea', text: 'alone?' });
  await until('ann has it', () => countOf(ann, 'message') === 2);
  assert.equal(countOf(bob, 'message'), 1);
  assert.equal((await bob.request('message.send', { room: 'tea', text: 'no' })).error.code, 403);
  assert.equal((await bob.request('room.join', { room: 7 })).error.code, -32602);
}

async function watch(make, ann, port) {
  assert.deepEqual(await ann.request('presence.watch', { users: ['dora'] }), { users: [{ user: 'dora', online: false }] });
  const dora = await open(make, port, 'dora');
  await until('dora is told online', () => last(ann, 'presence')?.online === true);
  assert.deepEqual(await ann.request('presence.get', { users: ['dora'] }), { users: [{ user: 'dora', online: true }] });
  dora.close();
  await until('dora is told offline', () => last(ann, 'presence')?.online === false);
  assert.deepEqual(last(ann, 'presence'), { user: 'dora', online: false });
}

const peers = [
  { file: 'socketio-hash.mjs', make: socketioClient, hashed: true },
  { file: 'socketio-adapter.mjs', make: socketioClient, hashed: false },
  { file: 'ws-hash.mjs', make: jsonClient, hashed: true },
];

for (const { file, make, hashed } of peers)
  test(`${file}: two nodes pass on messages, subscriptions and presence`, { timeout: 60_000 }, async () => {
    const ports = [await freePort(), await freePort()];
    const args = (i) => [join(here, file), '--port', `${ports[i]}`, '--redis', redis.join(','), '--name', `n${i + 1}`];
    const nodes = await Promise.all([0, 1].map((i) => start(process.execPath, args(i), 'ready')));
    const ann = await open(make, ports[0], 'ann');
    const bob = await open(make, ports[1], 'bob');
    await talk(ann, bob, hashed);
    await leave(ann, bob, hashed);
    await watch(make, ann, ports[1]);
    ann.close();
    bob.close();
    if (hashed) await until('nobody is subscribed', async () => (await subscribed('room:tea')).length === 0);
    await Promise.all(nodes.map(end));
    for (const node of nodes) assert.equal(node.exitCode, 0);
  });

test('bad arguments are told', { timeout: waitMs }, async () => {
  const child = spawn(process.execPath, [join(here, 'ws-hash.mjs'), '--port', '99999'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let told = '';
  child.stderr.on('data', (data) => (told += data));
  const [code] = await once(child, 'exit');
  assert.equal(code, 2);
  assert.match(told, /--redis is missing/);
});
