#!/usr/bin/env python3
"""Writes the transcripts in docs/PROTOCOL.md from what a cluster of its own really says.

    docs/transcripts.py build/release/starling

Needs nothing but Python's own library. Each block between `<!-- transcript: NAME -->` and `<!-- end -->` is what the
function of that name below has sent and received.
"""
import base64
import http.client
import json
import os
import pathlib
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

PORT = 28180  # of node-1; node-2 has the next one
MASTER_PORT, REDIS_PORT = 27480, 27081
SETTLE_S = 0.4  # so long nothing comes, and an exchange is over
START_S = 60
PAGE = pathlib.Path(__file__).with_name("PROTOCOL.md")


class Client:
    """One WebSocket, as far as a transcript needs it."""

    def __init__(self, scene, node=0, query=""):
        self.scene, self.number, self.requests = scene, len(scene.clients) + 1, 0
        self.socket = socket.create_connection(("127.0.0.1", PORT + node), timeout=5)
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET /ws{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self.socket.sendall((head + f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n").encode())
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            self.rest += self.receive()
        answer, self.rest = self.rest.split(b"\r\n\r\n", 1)
        if b" 101 " not in answer.split(b"\r\n")[0]:
            raise RuntimeError(answer.decode())
        scene.clients.append(self)
        scene.note(f"{self.number}   GET /ws{query} of node-{node + 1}")

    def receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError
        return data

    def send_text(self, text):
        self.scene.note(f"{self.number} > {text}")
        payload = text.encode()
        mask = os.urandom(4)
        size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + struct.pack("!H", len(payload))
        self.socket.sendall(b"\x81" + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def ask(self, method, **params):
        self.requests += 1
        text = json.dumps({"jsonrpc": "2.0", "id": self.requests, "method": method, "params": params})
        self.send_text(text)
        self.scene.settle()

    def tell(self, method, **params):
        self.send_text(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}))
        self.scene.settle()

    def frames(self):
        """Takes the whole frames out of what was received."""
        while len(self.rest) >= 2:
            opcode, size, start = self.rest[0] & 15, self.rest[1] & 127, 2
            if size == 126:
                size, start = struct.unpack("!H", self.rest[2:4])[0], 4
            if len(self.rest) < start + size:
                return
            payload, self.rest = self.rest[start:start + size], self.rest[start + size:]
            if opcode == 1:
                self.scene.note(f"{self.number} < {payload.decode()}")
            elif opcode == 8:
                code = struct.unpack("!H", payload[:2])[0] if payload else 1005
                self.scene.note(f"{self.number}   closed by the server: {code} {payload[2:].decode()}".rstrip())

    def close(self):
        self.scene.note(f"{self.number}   closes")
        self.socket.close()
        self.scene.clients[self.number - 1] = None
        self.scene.settle()


class Scene:
    def __init__(self):
        self.lines, self.clients = [], []

    def note(self, line):
        self.lines.append(line)

    def settle(self, quiet_s=SETTLE_S):
        """Gathers what the server says until it falls silent."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            living = [c for c in self.clients if c]
            readable, _, _ = select.select([c.socket for c in living], [], [], quiet_s)
            if not readable:
                return
            for client in living:
                if client.socket in readable:
                    try:
                        client.rest += client.receive()
                        client.frames()
                    except (EOFError, ConnectionError):
                        self.clients[client.number - 1] = None

    def connect(self, node=0, query=""):
        client = Client(self, node, query)
        self.settle()
        return client


def opening(scene):
    ann = scene.connect()
    ann.ask("room.list")
    ann.ask("session.open", user="ann")
    scene.connect(node=1, query="?user=bob")


def rooms(scene):
    ann, bob = scene.connect(query="?user=ann"), scene.connect(node=1, query="?user=bob")
    ann.ask("room.create", room="tea", title="Tea", kind="private", members=["carl"])
    bob.ask("message.send", room="tea", text="anybody here?")
    ann.ask("room.add", room="tea", user="bob", role="moderator")
    bob.ask("room.members", room="tea")
    bob.ask("room.who", room="tea")
    ann.ask("room.add", room="tea", user="ann", role="member")
    ann.ask("room.leave", room="tea")


def messages(scene):
    ann, bob = scene.connect(query="?user=ann"), scene.connect(node=1, query="?user=bob")
    ann.ask("room.join", room="lobby")
    bob.ask("room.join", room="lobby", since=0)
    ann.ask("message.send", room="lobby", text="hello", key="a1")
    ann.ask("message.send", room="lobby", text="hello", key="a1")
    bob.tell("typing", room="lobby")
    bob.ask("message.read", room="lobby", seq=1)
    bob.ask("message.send", to="ann", text="just between us", data={"mood": "good"})
    bob.ask("room.history", room="lobby", limit=10)
    ann.ask("room.sync", rooms={"lobby": 0, "dm:ann:bob": 0, "nowhere": 0})


def presence(scene):
    ann = scene.connect(query="?user=ann")
    ann.ask("presence.watch", users=["dora", "emil"])
    dora = scene.connect(node=1, query="?user=dora")
    dora.close()
    scene.settle(quiet_s=4)  # the grace, and some


def errors(scene):
    ann = scene.connect(query="?user=ann")
    ann.send_text("what?")
    scene.settle()
    ann.ask("room.paint", room="lobby")
    ann.ask("room.join")
    ann.ask("room.history", room="no-such-room")
    ann.send_text('[{"jsonrpc": "2.0", "id": 8, "method": "ping"}, {"jsonrpc": "2.0", "id": 9, "method": "room.info", '
                  '"params": {"room": 5}}]')
    scene.settle()


def http_pages(scene):
    for path in ("/healthz", "/readyz", "/nodes"):
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        scene.note(f"> GET {path}")
        scene.note(f"< {answer.status} {answer.reason}: {answer.read().decode().strip()}")


SCENES = {"opening": opening, "rooms": rooms, "messages": messages, "presence": presence, "errors": errors,
          "http": http_pages}


def wait_until_up(cluster, log):
    deadline = time.monotonic() + START_S
    while "Starling is up" not in log.read_text():
        if cluster.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(log.read_text())
        time.sleep(0.1)


def written(name, lines):
    return f"<!-- transcript: {name} -->\n```\n" + "\n".join(lines) + "\n```\n<!-- end -->"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as directory:
        log = pathlib.Path(directory, "up.log")
        command = [sys.argv[1], "up", "--data", directory + "/data", "--port", str(PORT), "--master-port",
                   str(MASTER_PORT), "--redis-port", str(REDIS_PORT)]
        with log.open("w") as out:
            cluster = subprocess.Popen(command, stdout=out, stderr=out)
        try:
            wait_until_up(cluster, log)
            page = PAGE.read_text()
            for name, play in SCENES.items():
                scene = Scene()
                play(scene)
                block = re.compile(f"<!-- transcript: {name} -->.*?<!-- end -->", re.S)
                page, found = block.subn(lambda _: written(name, scene.lines), page)
                if found != 1:
                    raise RuntimeError(f"{found} places for the transcript {name}")
            PAGE.write_text(page)
        finally:
            cluster.send_signal(signal.SIGINT)
            cluster.wait(60)


if __name__ == "__main__":
    main()
