// The page's side of /console/ws: one socket that comes back by itself, and asks that are answered by their number.

const pause_min_ms = 500;
const pause_max_ms = 10_000;
const answer_ms = 10_000; // a node answers within a second, one ask after the other

export class ConsoleLink {
  #socket = null;
  #pending = new Map(); // id -> {resolve, reject, timer}
  #next_id = 1;
  #attempt = 0;
  #token = "";

  /**
   * @param {{opened(), lost(reason), refused(reason)}} listener  `refused`: a token is needed, or another: see `prove`
   */
  constructor(url, listener) {
    this.url = url;
    this.listener = listener;
    this.#connect();
  }

  /** Comes again with this token, which is kept in memory only. */
  prove(token) {
    this.#token = token;
    this.#connect();
  }

  /** Asks all processes, or those of a role or name; the promise is of [{role, name, incarnation, inspect, result|error}]. */
  ask(command, args = {}, role = "", process = "") {
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) return reject(new Error("not connected"));
      const id = this.#next_id++;
      const timer = setTimeout(() => this.#settle(id, { error: "no answer in time" }), answer_ms);
      this.#pending.set(id, { resolve, reject, timer });
      this.#socket.send(JSON.stringify({ id, command, arguments: args, role, process }));
    });
  }

  #settle(id, message) {
    const one = this.#pending.get(id);
    if (!one) return;
    this.#pending.delete(id);
    clearTimeout(one.timer);
    if (message.error) one.reject(new Error(message.error));
    else one.resolve(message.processes);
  }

  #connect() {
    const socket = new WebSocket(this.url);
    const token = this.#token;
    let open = false;
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.prove) {
        if (token) return socket.send(JSON.stringify({ token }));
        this.#socket = null;
        socket.close();
        return this.listener.refused("");
      }
      if (!message.proved) return this.#settle(message.id, message);
      open = true;
      this.#attempt = 0;
      this.listener.opened();
    };
    socket.onclose = ({ code, reason }) => {
      if (this.#socket !== socket) return;
      for (const id of [...this.#pending.keys()]) this.#settle(id, { error: "the connection has ended" });
      if (code === 1008) {
        this.#token = "";
        return this.listener.refused(reason);
      }
      if (open || this.#attempt === 0) this.listener.lost(reason || "no connection to this node");
      const pause = Math.min(pause_max_ms, pause_min_ms * 2 ** this.#attempt++) * (0.5 + Math.random() / 2);
      setTimeout(() => this.#socket === socket && this.#connect(), pause);
    };
  }
}
