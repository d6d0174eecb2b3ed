import { randomUUID } from 'node:crypto';

const expiryS = 30; // a killed node's users are offline so long after
const refreshMs = 10_000;
const refreshAtOnce = 500; // commands in one pipeline

// Ends a session's key, unless the user has come back meanwhile, perhaps on another node.
const endScript = `
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  return redis.call('DEL', KEYS[1])`;

const keyOf = (user) => `online:${user}`;

// Who is online: a key with expiry for each user, in the Redis that `redisOf(user)` gives. It knows one session of a
// user, the last: two at a time are beyond it.
export class Presence {
  #redisOf;
  #announce;
  #online = new Map(); // token of a session -> its user

  // `announce(redis, user, online)` tells the watchers, if it likes through the `redis` of that user.
  constructor(redisOf, announce) {
    this.#redisOf = redisOf;
    this.#announce = announce;
    setInterval(() => this.#refresh().catch((error) => console.error(`presence: ${error.message}`)), refreshMs);
  }

  // Returns the token with which `end` ends this session.
  begin(user) {
    const token = randomUUID();
    this.#online.set(token, user);
    const both = this.#redisOf(user).pipeline().set(keyOf(user), token, 'EX', expiryS); // one write for key and word
    this.#announce(both, user, true);
    both.exec().catch((error) => console.error(`presence: ${error.message}`));
    return token;
  }

  async end(token) {
    const user = this.#online.get(token);
    const redis = this.#redisOf(user);
    this.#online.delete(token);
    try {
      if (await redis.eval(endScript, 1, keyOf(user), token)) await this.#announce(redis, user, false);
    } catch (error) {
      console.error(`presence: ${error.message}`);
    }
  }

  of = (users) =>
    Promise.all(users.map(async (user) => ({ user, online: (await this.#redisOf(user).exists(keyOf(user))) === 1 })));

  async #refresh() {
    const users = [...this.#online.values()];
    for (let i = 0; i < users.length; i += refreshAtOnce) {
      const pipelines = new Map();
      for (const user of users.slice(i, i + refreshAtOnce)) {
        const redis = this.#redisOf(user);
        if (!pipelines.has(redis)) pipelines.set(redis, redis.pipeline());
        pipelines.get(redis).expire(keyOf(user), expiryS);
      }
      await Promise.all([...pipelines.values()].map((each) => each.exec()));
    }
  }
}
