// Plain `ws`, and rooms hashed over N independent Redis instances as in socketio-hash.mjs: what is left when Socket.IO
// is taken away. What is published is the notification as clients get it, so a node makes one frame of it and hands the
// same bytes to all its members.
import { createServer } from 'node:http';
import { Sender, WebSocket, WebSocketServer } from 'ws';
import { errorOf, isUser, presenceChannel, Refused, requests, roomChannel } from './chat.mjs';
import { readOptions } from './options.mjs';
import { Presence } from './presence.mjs';
import { listening, serve } from './process.mjs';
import { Shards } from './shards.mjs';

const waitingMaxBytes = 1024 * 1024; // of one client that does not read; beyond, it is dropped
const pingMs = 25_000;
const textFrame = { fin: true, opcode: 1, rsv1: false, mask: false, readOnly: false };

const options = readOptions();
const shards = new Shards(options.redis);
const members = new Map(); // channel -> the sockets on this node

const notification = (method, params) => JSON.stringify({ jsonrpc: '2.0', method, params });
const send = (socket, text) => socket.readyState === WebSocket.OPEN && socket.send(text);

function join(socket, channel) {
  if (!members.has(channel)) members.set(channel, new Set());
  members.get(channel).add(socket);
  socket.channels.add(channel);
  return shards.subscribe(channel);
}

function leave(socket, channel) {
  const there = members.get(channel);
  if (!there?.delete(socket)) return;
  socket.channels.delete(channel);
  if (there.size > 0) return;
  members.delete(channel);
  shards.unsubscribe(channel);
}

// `_sender` is none of ws's public interface, but the only way to frame once for many; Socket.IO does the same.
function deliver(channel, payload) {
  const there = members.get(channel);
  if (!there) return; // the last one left while it was under way
  const frame = [Buffer.concat(Sender.frame(payload, textFrame))];
  for (const socket of there) {
    if (socket.readyState !== WebSocket.OPEN) continue;
    if (socket.bufferedAmount > waitingMaxBytes) socket.terminate();
    else socket._sender.sendFrame(frame);
  }
}
shards.onBytes(deliver);

const announce = (redis, user, online) => redis.publish(presenceChannel(user), notification('presence', { user, online }));
const presence = new Presence((user) => shards.of(presenceChannel(user)), announce);
const publish = (room, from, text) => shards.publish(roomChannel(room), notification('message', { room, from, text }));
const handlers = requests(presence, publish);

async function answer(member, request) {
  if (!Object.hasOwn(handlers, request.method)) throw new Refused(-32601, `no method ${request.method}`);
  return handlers[request.method](member, request.params);
}

function onFrame(socket, member, data) {
  let request;
  try {
    request = JSON.parse(data);
  } catch {
    request = null;
  }
  if (typeof request?.method !== 'string')
    return send(socket, JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32600, message: 'not a request' } }));
  const { id } = request;
  answer(member, request).then(
    (result) => send(socket, JSON.stringify({ jsonrpc: '2.0', id, result })),
    (error) => send(socket, JSON.stringify({ jsonrpc: '2.0', id, error: errorOf(error) })),
  );
}

function onConnection(socket, user) {
  const member = {
    user,
    join: (channel) => join(socket, channel),
    leave: (channel) => leave(socket, channel),
    isIn: (channel) => socket.channels.has(channel),
  };
  socket.channels = new Set();
  socket.alive = true;
  const session = presence.begin(user);
  socket.on('pong', () => (socket.alive = true));
  socket.on('message', (data) => onFrame(socket, member, data));
  socket.on('error', () => {}); // 'close' follows
  socket.on('close', () => {
    for (const channel of socket.channels) leave(socket, channel);
    presence.end(session);
  });
  send(socket, notification('session.opened', { user }));
}

function pingAll(server) {
  for (const socket of server.clients) {
    if (!socket.alive) socket.terminate();
    socket.alive = false;
    socket.ping();
  }
}

const http = createServer((request, response) => response.writeHead(404).end());
const server = new WebSocketServer({ server: http, path: '/ws', perMessageDeflate: false, maxPayload: 64 * 1024 });
server.on('connection', (socket, request) => {
  const user = new URL(request.url, 'ws://here').searchParams.get('user');
  if (isUser(user)) onConnection(socket, user);
  else socket.close(4001, 'user is missing');
});
setInterval(() => pingAll(server), pingMs);

await serve(async () => {
  await shards.ready();
  await listening(http, options.port);
});
