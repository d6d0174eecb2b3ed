// The client's side of the protocol: one session over WebSockets that come and go. Knows nothing of the page.

const backoff_min_ms = 300;
const backoff_max_ms = 15_000;
const answer_ms = 10_000;
const silence_ms = 60_000; // the server pings a silent client, so a socket that says nothing is checked by a request

/** Close codes after which coming back by itself would not help. */
const final_codes = new Set([4001, 4009]);

export class Connection {
  #socket = null;
  #pending = new Map(); // id -> {resolve, reject, timer}
  #next_id = 1;
  #attempt = 0;
  #timer = 0;
  #credentials = null;
  #urls;
  #where = 0;
  #heard = 0;
  #stay_away_ms = 0; // as the server said before it closed; 0: nothing

  /**
   * @param {string} url of this node's WebSocket
   * @param {{opened(session), notified(method, params), changed(state), ended(reason)}} listener
   *        `opened` after each successful opening; `ended` when it will not come back by itself
   */
  constructor(url, listener) {
    this.#urls = [url];
    this.listener = listener;
    addEventListener("online", () => this.#socket || this.#connect());
    setInterval(() => this.#check(), 5_000);
  }

  /** Other nodes that may be tried when this one is gone. */
  know(urls) {
    for (const url of urls) if (!this.#urls.includes(url)) this.#urls.push(url);
  }

  /** @param {{token?: string, user?: string}} credentials */
  start(credentials) {
    this.#credentials = credentials;
    this.#connect();
  }

  stop() {
    this.#credentials = null;
    clearTimeout(this.#timer);
    this.#socket?.close(1000);
  }

  /** Sends a request; the promise fails with {code, message, data} or, if the connection ended first, {lost: true}. */
  request(method, params = {}) {
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) return reject({ lost: true, message: "not connected" });
      const id = this.#next_id++;
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject({ lost: true, message: "no answer" });
      }, answer_ms);
      this.#pending.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  notify(method, params) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(JSON.stringify({ jsonrpc: "2.0", method, params }));
  }

  #connect() {
    clearTimeout(this.#timer);
    if (!this.#credentials || this.#socket) return;
    this.listener.changed("connecting");
    const socket = new WebSocket(this.#urls[this.#where % this.#urls.length], "starling.v1");
    this.#socket = socket;
    socket.onopen = async () => {
      this.#heard = Date.now();
      try {
        const session = await this.request("session.open", this.#credentials);
        this.#attempt = 0;
        this.listener.changed("open");
        this.listener.opened(session);
      } catch (error) {
        if (error.lost || error.data?.retry) return socket.close(); // which leads to another attempt
        this.#credentials = null;
        socket.close(1000);
        this.listener.ended(error.message);
      }
    };
    socket.onmessage = (event) => {
      this.#heard = Date.now();
      this.#take(event.data);
    };
    socket.onclose = (event) => this.#lost(event);
  }

  #take(text) {
    const frame = JSON.parse(text);
    if (frame.method === "session.closing") this.#move(frame.params);
    if (frame.method) return this.listener.notified(frame.method, frame.params);
    const waiting = this.#pending.get(frame.id);
    if (!waiting) return;
    this.#pending.delete(frame.id);
    clearTimeout(waiting.timer);
    if (frame.error) waiting.reject(frame.error);
    else waiting.resolve(frame.result);
  }

  #move({ nodes, reconnect_in_ms }) {
    this.#stay_away_ms = reconnect_in_ms ?? 0;
    if (!nodes?.length) return;
    this.know(nodes);
    this.#where = this.#urls.indexOf(nodes[Math.floor(Math.random() * nodes.length)]);
  }

  #lost(event) {
    this.#socket = null;
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject({ lost: true, message: "the connection was lost" });
    }
    this.#pending.clear();
    if (!this.#credentials) return this.listener.changed("closed");
    if (final_codes.has(event.code)) {
      this.#credentials = null;
      this.listener.changed("closed");
      return this.listener.ended(event.reason || `closed by the server (${event.code})`);
    }
    this.listener.changed("lost");
    // The server's word counts: it spreads those who come back over the time that it needs for them.
    const stay_away_ms = this.#stay_away_ms;
    this.#stay_away_ms = 0;
    if (stay_away_ms > 0) {
      this.#timer = setTimeout(() => this.#connect(), stay_away_ms);
      return;
    }
    if (this.#attempt > 0) this.#where = (this.#where + 1) % this.#urls.length;
    const most = Math.min(backoff_max_ms, backoff_min_ms * 2 ** this.#attempt++);
    this.#timer = setTimeout(() => this.#connect(), most / 2 + Math.random() * (most / 2));
  }

  #check() {
    if (this.#socket?.readyState !== WebSocket.OPEN || Date.now() - this.#heard < silence_ms) return;
    this.request("ping").catch((error) => error.lost && this.#socket?.close());
  }
}
