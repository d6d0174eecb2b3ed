#!/usr/bin/env python3
"""Writes the screens in docs/CONSOLE.md from a console in tmux, on a cluster of its own under load.

    docs/console_session.py build/release/starling

Needs tmux, and nothing else but Python's own library. Each block between `<!-- screen: NAME -->` and `<!-- end -->` is
the screen of that terminal when the function of that name below has typed.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

import transcripts

PAGE = pathlib.Path(__file__).with_name("CONSOLE.md")
COLUMNS, LINES = 132, 44
PROMPT = "starling> "
ANSWER_S = 15
SETTLED_S = 0.3  # so long nothing changes, and a screen is whole


class Terminal:
    """A console at a terminal of its own."""

    def __init__(self, directory, words):
        self.socket = str(pathlib.Path(directory, "tmux"))
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES), *words)
        self.wait_for(lambda screen: screen.rstrip().endswith(PROMPT.strip()))

    def tmux(self, *words):
        return subprocess.run(["tmux", "-S", self.socket, *words], check=True, stdout=subprocess.PIPE, text=True).stdout

    def screen(self):
        return "\n".join(line.rstrip() for line in self.tmux("capture-pane", "-p").rstrip().split("\n"))

    def wait_for(self, is_there):
        deadline = time.monotonic() + ANSWER_S
        while not is_there(screen := self.screen()):
            if time.monotonic() > deadline:
                raise RuntimeError("not there in time:\n" + screen)
            time.sleep(0.02)
        while True:
            time.sleep(SETTLED_S)
            before, screen = screen, self.screen()
            if before == screen:
                return screen

    def begin(self, command):
        self.tmux("send-keys", "C-l")
        self.tmux("send-keys", "-l", command)
        self.tmux("send-keys", "Enter")

    def end(self, command):
        screen = self.wait_for(lambda text: command in text and text.endswith(PROMPT.strip()))
        return screen[screen.index(PROMPT) : screen.rindex(PROMPT.strip())].rstrip()

    def type(self, command):
        self.begin(command)
        return self.end(command)


class Place:
    """A cluster with people in it, and a console that looks at it."""

    def __init__(self, directory, executable):
        self.directory = directory
        self.terminal = Terminal(directory, [executable, "console", "--config", f"{directory}/data/master.toml", "--admin"])
        self.people = transcripts.Scene()
        self.ann = self.people.connect(query="?user=ann")
        self.bob = self.people.connect(node=1, query="?user=bob")
        for who in (self.ann, self.bob):
            for room in ("lobby", "tar"):
                who.ask("room.join", room=room)

    def pid_of(self, node):
        found = subprocess.run(["pgrep", "-f", f"node .*{self.directory}/.*{node}"], stdout=subprocess.PIPE, text=True)
        return int(found.stdout.split()[0])


def look(place):
    return [place.terminal.type("nodes"), place.terminal.type("shards")]


def top(place):
    terminal = place.terminal
    terminal.begin("top --kind room")
    terminal.wait_for(lambda text: "room" in text and PROMPT not in text)
    time.sleep(2)  # two more pages, with rates
    screen = terminal.screen()
    terminal.tmux("send-keys", "q")
    terminal.wait_for(lambda text: text.endswith(PROMPT.strip()))
    return [PROMPT + "top --kind room\n" + "\n".join(screen.split("\n")[:16])]


def where(place):
    return [place.terminal.type("where room lobby"), place.terminal.type("where user bob --without shard-2")]


def trace(place):
    command = "trace room lobby --count 1"
    place.terminal.begin(command)
    time.sleep(1)  # all nodes know
    place.ann.tell("typing", room="lobby")
    place.ann.ask("message.send", room="lobby", text="which way do you go?")
    return [place.terminal.end(command)]


def slow(place):
    for _ in range(4):
        place.ann.send_text(json.dumps({"jsonrpc": "2.0", "method": "message.send", "params": {"room": "tar", "text": "slow"}}))
    time.sleep(1.2)
    screens = [place.terminal.type("stuck"), place.terminal.type("mailbox room:tar")]
    place.people.settle(9)  # until the room has got over it
    return screens


def frozen(place):
    pid = place.pid_of("node-2")
    os.kill(pid, signal.SIGSTOP)
    try:
        return [place.terminal.type("nodes")]
    finally:
        os.kill(pid, signal.SIGCONT)


def killed(place):
    time.sleep(2)
    os.kill(place.pid_of("node-2"), signal.SIGKILL)
    time.sleep(6)
    return [place.terminal.type("events --since 8s"), place.terminal.type("check")]


def drops(place):
    return [place.terminal.type("drops")]


SCENES = [look, top, where, trace, slow, drops, frozen, killed]


def written(name, screens):
    return f"<!-- screen: {name} -->\n```\n" + "\n\n".join(screens) + "\n```\n<!-- end -->"


def load(executable):
    nodes = ",".join(f"ws://127.0.0.1:{transcripts.PORT + i}" for i in range(2))
    words = [executable, "bench", "--floor", "0", "--nodes", nodes, "--scenario", "pairs", "--clients", "100", "--rate", "300"]
    return subprocess.Popen([*words, "--seconds", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    executable = str(pathlib.Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as directory:
        log = pathlib.Path(directory, "up.log")
        command = [executable, "up", "--data", directory + "/data", "--port", str(transcripts.PORT), "--master-port",
                   str(transcripts.MASTER_PORT), "--redis-port", str(transcripts.REDIS_PORT), "--set",
                   "drill.slow_room=tar", "--set", "drill.slow_room_by=2s", "--set", "node.threads=2"]
        with log.open("w") as out:
            cluster = subprocess.Popen(command, stdout=out, stderr=out)
        chatter = place = None
        try:
            transcripts.wait_until_up(cluster, log)
            chatter = load(executable)
            place = Place(directory, executable)
            page = PAGE.read_text()
            for play in SCENES:
                text = written(play.__name__, play(place)).replace(directory, "/tmp/starling")
                block = re.compile(f"<!-- screen: {play.__name__} -->.*?<!-- end -->", re.S)
                page, found = block.subn(lambda _: text, page)
                if found != 1:
                    raise RuntimeError(f"{found} places for the screen {play.__name__}")
            PAGE.write_text(page)
        finally:
            if place:
                place.terminal.tmux("kill-server")
            for process in filter(None, (chatter, cluster)):
                process.send_signal(signal.SIGINT)
                process.wait(60)


if __name__ == "__main__":
    main()
