import { once } from 'node:events';
import { Redis } from 'ioredis';

export function connect(address) {
  const redis = new Redis({ ...address, maxRetriesPerRequest: 1, connectTimeout: 2_000 });
  redis.on('error', (error) => console.error(`redis ${address.host}:${address.port}: ${error.message}`));
  return redis;
}

// Resolves once all these connections can be used.
export const connected = (links) => Promise.all(links.map((each) => each.status === 'ready' || once(each, 'ready')));

// FNV-1a, over UTF-16 units: every node must find the same instance for a name, nothing more.
function hash(name) {
  let h = 0x811c9dc5;
  for (let i = 0; i < name.length; ++i) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

// Independent Redis instances, each of which carries the channels that hash to it. Two connections to each, because one
// that subscribes can do nothing else.
export class Shards {
  #links;
  #subscribers;
  #subscribed = new Map(); // channel -> promise of the confirmation

  constructor(addresses) {
    this.#links = addresses.map(connect);
    this.#subscribers = addresses.map(connect);
  }

  ready = () => connected([...this.#links, ...this.#subscribers]);

  #index = (name) => hash(name) % this.#links.length;

  // The connection for commands about `name`.
  of = (name) => this.#links[this.#index(name)];

  publish = (channel, payload) => this.of(channel).publish(channel, payload);

  // Resolves when Redis has confirmed; whoever comes meanwhile waits for the same confirmation.
  subscribe(channel) {
    let confirmed = this.#subscribed.get(channel);
    if (!confirmed) {
      confirmed = this.#subscribers[this.#index(channel)].subscribe(channel);
      confirmed.catch(() => this.#subscribed.delete(channel)); // the next one tries again
      this.#subscribed.set(channel, confirmed);
    }
    return confirmed;
  }

  // Commands of one connection keep their order: a SUBSCRIBE right after this one wins.
  unsubscribe(channel) {
    if (!this.#subscribed.delete(channel)) return;
    const failed = (error) => console.error(`unsubscribe ${channel}: ${error.message}`);
    this.#subscribers[this.#index(channel)].unsubscribe(channel).catch(failed);
  }

  // `handle(channel, payload)` gets what is published: strings.
  onText(handle) {
    for (const each of this.#subscribers) each.on('message', handle);
  }

  // The same, with the payload as the bytes that came.
  onBytes(handle) {
    for (const each of this.#subscribers)
      each.on('messageBuffer', (channel, payload) => handle(channel.toString(), payload));
  }
}
