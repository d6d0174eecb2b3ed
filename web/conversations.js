// What is known of each room: its messages in order, what was read, what waits to be sent. Knows nothing of the page.

const kept_messages = 1000;

export class Conversation {
  messages = [];  // ascending seq, without holes unless `holes` says so
  waiting = [];   // said, not yet acknowledged: {key, text}
  people = new Set();
  typing = new Map(); // user -> until
  loaded = false;
  repairing = false;

  constructor(room, { epoch = 0, seq = 0, read = 0, title = "" } = {}) {
    Object.assign(this, { room, epoch, seq, read, title });
  }

  get last() { return this.messages.at(-1)?.seq ?? this.seq; }
  get unread() { return Math.max(0, this.seq - this.read); }

  /** Takes messages, also such as were missed before others; what is known already is skipped. Returns the new ones. */
  add(messages) {
    const known = new Set(this.messages.map((m) => m.seq));
    const fresh = messages.filter((m) => !known.has(m.seq));
    const late = fresh.length && fresh[0].seq < (this.messages.at(-1)?.seq ?? 0);
    this.messages.push(...fresh);
    if (late) this.messages.sort((a, b) => a.seq - b.seq);
    if (this.messages.length > kept_messages) this.messages.splice(0, this.messages.length - kept_messages);
    this.seq = Math.max(this.seq, this.messages.at(-1)?.seq ?? 0);
    for (const m of fresh) if (m.key) this.acknowledge(m.key);
    return fresh;
  }

  acknowledge(key) { this.waiting = this.waiting.filter((w) => w.key !== key); }

  /** The log was made anew: what was known is history of another one. */
  restart(epoch) {
    Object.assign(this, { epoch, messages: [], seq: 0, read: 0, loaded: false });
  }
}

/** The room of two users: names in byte order. User ids are ASCII, so this is JavaScript's order too. */
export const dialogue_room = (a, b) => `dm:${[a, b].sort().join(":")}`;

/** The other one of a dialogue, or null for a room; and for what the application writes, which is no user to be watched. */
export function peer_in(room, me) {
  if (!room.startsWith("dm:")) return null;
  const [, a, b] = room.split(":");
  const peer = a === me ? b : a;
  return peer.startsWith("@") ? null : peer;
}
