export const roomChannel = (room) => `room:${room}`;
export const presenceChannel = (user) => `presence:${user}`;

const roomMax = 128;
const textMax = 16 * 1024;
const usersMax = 1_000;

// What a client is told of a request that is not carried out.
export class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// {code, message} for the client, whatever went wrong.
export const errorOf = (error) =>
  error instanceof Refused ? { code: error.code, message: error.message } : { code: 503, message: error.message };

export const isUser = (text) => typeof text === 'string' && /^[A-Za-z0-9._-]{1,64}$/.test(text);

function textOf(params, name, max) {
  const text = params?.[name];
  if (typeof text !== 'string' || text.length === 0 || text.length > max) throw new Refused(-32602, `bad param: ${name}`);
  return text;
}

function usersOf(params) {
  const users = params?.users;
  if (!Array.isArray(users) || users.length > usersMax || !users.every(isUser)) throw new Refused(-32602, 'bad param: users');
  return users;
}

// The requests of a client by name, each `(member, params) => result`, which may be promised. A member is a connection:
// {user, join(channel), leave(channel), isIn(channel)}. `publish(room, from, text)` resolves when Redis has answered.
export const requests = (presence, publish) => ({
  'room.join': async (member, params) => {
    const room = textOf(params, 'room', roomMax);
    await member.join(roomChannel(room));
    return { room };
  },
  'room.leave': async (member, params) => {
    const room = textOf(params, 'room', roomMax);
    await member.leave(roomChannel(room));
    return { room };
  },
  'message.send': async (member, params) => {
    const room = textOf(params, 'room', roomMax);
    const text = textOf(params, 'text', textMax);
    if (!member.isIn(roomChannel(room))) throw new Refused(403, 'not a member');
    await publish(room, member.user, text);
    return { room };
  },
  // Subscribes first: what changes while we ask is pushed.
  'presence.watch': async (member, params) => {
    const users = usersOf(params);
    await Promise.all(users.map((user) => member.join(presenceChannel(user))));
    return { users: await presence.of(users) };
  },
  'presence.get': async (member, params) => ({ users: await presence.of(usersOf(params)) }),
});
