// Socket.IO with @socket.io/redis-adapter: the same code as on one node, and every node reads every message. It can use
// one Redis, so it takes the first of --redis.
import { createAdapter } from '@socket.io/redis-adapter';
import { presenceChannel, requests, roomChannel } from './chat.mjs';
import { readOptions } from './options.mjs';
import { Presence } from './presence.mjs';
import { listening, serve } from './process.mjs';
import { connect, connected } from './shards.mjs';
import { attach, createIo } from './socketio.mjs';

const options = readOptions();
const redis = connect(options.redis[0]);
const subscriber = connect(options.redis[0]);
const { http, io } = createIo();
io.adapter(createAdapter(redis, subscriber));

// The adapter publishes and forgets. We acknowledge when Redis has answered, so we keep the answer to its last PUBLISH.
let published;
const bare = redis.publish.bind(redis);
redis.publish = (...args) => (published = bare(...args));

function emit(channel, name, params) {
  io.to(channel).emit(name, params);
  return published;
}

// On the next turn, so that the key is written first.
const announce = (_redis, user, online) =>
  setImmediate(() => emit(presenceChannel(user), 'presence', { user, online }).catch(() => {})); // ioredis told it
const presence = new Presence(() => redis, announce);
const publish = (room, from, text) => emit(roomChannel(room), 'message', { room, from, text });
attach(io, requests(presence, publish), presence);

await serve(async () => {
  await connected([redis, subscriber]);
  await listening(http, options.port);
});
