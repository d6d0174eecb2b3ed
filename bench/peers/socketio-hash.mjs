// Socket.IO with its default adapter, which knows this node's clients only. Between the nodes, a room's messages go
// through the one of N independent Redis instances that the room's name hashes to; a node subscribes to a room when its
// first member joins, and unsubscribes when its last one is gone.
import { presenceChannel, requests, roomChannel } from './chat.mjs';
import { readOptions } from './options.mjs';
import { Presence } from './presence.mjs';
import { listening, serve } from './process.mjs';
import { Shards } from './shards.mjs';
import { attach, createIo } from './socketio.mjs';

const options = readOptions();
const shards = new Shards(options.redis);
const { http, io } = createIo();

// Socket.IO gives each socket a room of its own as well, which is no business of the other nodes.
const isChannel = (name) => name.startsWith('room:') || name.startsWith('presence:');
const { adapter } = io.of('/');
adapter.on('create-room', (name) => isChannel(name) && shards.subscribe(name).catch(() => {})); // who joins is told
adapter.on('delete-room', (name) => isChannel(name) && shards.unsubscribe(name));

async function join(socket, channel) {
  socket.join(channel);
  await shards.subscribe(channel); // of the first member: wait for it as well
}

// A payload is "<from>\n<text>", or "1" and "0" of presence: the channel says the rest, and no JSON is parsed only to
// be written again. No user has "\n" in the name.
shards.onText((channel, payload) => {
  const [kind, name] = [channel.slice(0, channel.indexOf(':')), channel.slice(channel.indexOf(':') + 1)];
  if (kind === 'room') {
    const end = payload.indexOf('\n');
    io.local.to(channel).emit('message', { room: name, from: payload.slice(0, end), text: payload.slice(end + 1) });
  } else {
    io.local.to(channel).emit('presence', { user: name, online: payload === '1' });
  }
});

const announce = (redis, user, online) => redis.publish(presenceChannel(user), online ? '1' : '0');
const presence = new Presence((user) => shards.of(presenceChannel(user)), announce);
const publish = (room, from, text) => shards.publish(roomChannel(room), `${from}\n${text}`);
attach(io, requests(presence, publish), presence, join);

await serve(async () => {
  await shards.ready();
  await listening(http, options.port);
});
