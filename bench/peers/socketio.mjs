// What both forms with Socket.IO share.
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { errorOf, isUser } from './chat.mjs';

export function createIo() {
  const http = createServer();
  const io = new Server(http, {
    transports: ['websocket'],
    perMessageDeflate: false,
    httpCompression: false,
    serveClient: false,
    maxHttpBufferSize: 64 * 1024,
  });
  io.use((socket, next) => next(isUser(socket.handshake.query.user) ? undefined : new Error('user is missing')));
  return { http, io };
}

const memberOf = (socket) => ({
  user: socket.handshake.query.user,
  join: (channel) => socket.join(channel),
  leave: (channel) => socket.leave(channel),
  isIn: (channel) => socket.rooms.has(channel),
});

// Answers the events of `handlers` (see requests in chat.mjs). `join(socket, channel)` may wait for more than Socket.IO.
export function attach(io, handlers, presence, join) {
  io.on('connection', (socket) => {
    const member = memberOf(socket);
    if (join) member.join = (channel) => join(socket, channel);
    socket.conn.request = null; // a memory hint of Socket.IO's own manual: nobody asks for it any more
    const session = presence.begin(member.user);
    socket.on('disconnect', () => presence.end(session));
    for (const [name, handle] of Object.entries(handlers))
      socket.on(name, (params, acknowledge) => {
        if (typeof acknowledge !== 'function') acknowledge = () => {};
        handle(member, params).then(acknowledge, (error) => acknowledge({ error: errorOf(error) }));
      });
  });
}
