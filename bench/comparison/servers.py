"""What is put under load: how each target is started, what it speaks, and what it keeps."""

import contextlib
import dataclasses
import os
import pathlib

from .processes import children_of, free_ports, process, wait_for_line

PEERS = pathlib.Path(__file__).parent.parent / "peers"
SHARDS = 3
START_S = 60


@dataclasses.dataclass(frozen=True)
class Cluster:
    """Running servers, as `starling bench` needs to know them."""

    urls: tuple = ()
    pids: tuple = ()
    redis_pids: tuple = ()
    redis: tuple = ()  # host:port
    metrics: tuple = ()  # host:port
    up: int = 0  # the process that starts again what ends

    def arguments(self, asks_nodes=False):
        named = {"--nodes": self.urls, "--pids": self.pids, "--redis-pids": self.redis_pids, "--redis": self.redis}
        if asks_nodes:
            named["--metrics"] = self.metrics
        return [word for name, values in named.items() if values for word in (name, ",".join(map(str, values)))]


@dataclasses.dataclass(frozen=True)
class Target:
    name: str
    about: str
    persists: str
    arguments: tuple  # of `starling bench`
    start: object  # (nodes, directory) -> context manager of a Cluster
    promises: bool = False  # is a message lost, doubled or out of order a failure, or just what it does?


def starling_binary():
    return os.environ.get("STARLING", "build/release/starling")


def addresses(first, count):
    return tuple(f"127.0.0.1:{port}" for port in range(first, first + count))


def urls(first, count):
    return tuple(f"ws://{address}" for address in addresses(first, count))


@contextlib.contextmanager
def starling(nodes, directory):
    port = free_ports(nodes + SHARDS + 1)
    redis_port, master_port = port + nodes, port + nodes + SHARDS
    ports = {"--port": port, "--redis-port": redis_port, "--master-port": master_port}
    sizes = {"--nodes": nodes, "--shards": SHARDS, "--data": directory / "data"}
    options = [str(word) for pair in {**ports, **sizes}.items() for word in pair]
    # How fast it takes clients is measured, not how fast it lets them in.
    options += ["--set", "limits.opens_per_second=1000000", "--set", "limits.opens_burst=1000000"]
    log = directory / "up.log"
    with process([starling_binary(), "up", *options], log) as up:
        wait_for_line(up, log, "Starling is up", START_S)
        pids = children_of(up.pid, "node") + children_of(up.pid, "master")
        yield Cluster(
            urls(port, nodes),
            tuple(pids),
            tuple(children_of(up.pid, "redis-server")),
            addresses(redis_port, SHARDS),
            addresses(port, nodes),
            up.pid,
        )


@contextlib.contextmanager
def redis_server(port, directory):
    argv = [
        "redis-server",
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        str(directory),
        "--save",
        "",
        "--appendonly",
        "no",
    ]
    log = directory / f"redis-{port}.log"
    with process(argv, log) as child:
        wait_for_line(child, log, "Ready to accept connections", START_S)
        yield child


@contextlib.contextmanager
def peer_node(file, port, redis, name, directory):
    argv = ["node", str(PEERS / file), "--port", str(port), "--redis", ",".join(redis), "--name", name]
    log = directory / f"{name}.log"
    with process(argv, log, env={**os.environ, "NODE_ENV": "production"}) as child:
        wait_for_line(child, log, "ready", START_S)
        yield child


def peer(file, shards):
    @contextlib.contextmanager
    def start(nodes, directory):
        port = free_ports(nodes + shards)
        redis = addresses(port + nodes, shards)
        with contextlib.ExitStack() as running:
            instances = [running.enter_context(redis_server(port + nodes + i, directory)) for i in range(shards)]
            servers = [
                running.enter_context(peer_node(file, port + i, redis, f"n{i + 1}", directory)) for i in range(nodes)
            ]
            yield Cluster(
                urls(port, nodes), tuple(each.pid for each in servers), tuple(each.pid for each in instances), redis
            )

    return start


@contextlib.contextmanager
def nothing(_nodes, _directory):
    """The floor runs beside the generator, which starts it."""
    yield Cluster()


TARGETS = {
    each.name: each
    for each in (
        Target(
            "starling",
            f"2 nodes, 1 master, {SHARDS} Redis",
            "every message in a log, in Redis with an append-only file (everysec); members and read marks of rooms too",
            ("--floor", "0"),
            starling,
            promises=True,
        ),
        Target(
            "socketio-hash",
            f"Socket.IO and ioredis, rooms hashed over {SHARDS} Redis",
            "nothing: a message that misses its reader is gone; Redis has no file",
            ("--protocol", "socketio", "--floor", "0"),
            peer("socketio-hash.mjs", SHARDS),
        ),
        Target(
            "socketio-adapter",
            "Socket.IO and @socket.io/redis-adapter, 1 Redis",
            "nothing, as socketio-hash",
            ("--protocol", "socketio", "--floor", "0"),
            peer("socketio-adapter.mjs", 1),
        ),
        Target(
            "ws-hash",
            f"ws and ioredis, rooms hashed over {SHARDS} Redis",
            "nothing, as socketio-hash",
            ("--protocol", "json", "--floor", "0"),
            peer("ws-hash.mjs", SHARDS),
        ),
        Target(
            "floor",
            "one process that reads and sends: no nodes, no rooms to join, no Redis",
            "nothing",
            ("--floor-only",),
            nothing,
            promises=True,
        ),
    )
}
