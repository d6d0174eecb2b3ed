"""What is measured: the load, the figures taken from it, and what Starling aims at."""

from . import figures as f
from .model import Aim, Part, Scenario

HASH = "socketio-hash"
FLOOR = "floor"
PEERS = ("starling", HASH, "socketio-adapter", "ws-hash")
ALL = (*PEERS, FLOOR)
TWO = ("starling", HASH)


def fanout(rate):
    return Part({"scenario": "fanout", "clients": 500, "rooms": 1, "rate": rate})


def pairs(clients, rate):
    return Part({"scenario": "pairs", "clients": clients, "rate": rate})


def busy(clients):
    return Part({"scenario": "busy", "clients": clients, "rate": 20, "pairs": 200, "pairs-rate": 200})


MANY_READERS = {"clients": 10_000, "rooms": 100, "rate": 100}
# So much that what a client does not read grows past what the kernel keeps for it, which is some MB on loopback.
FULL = {"clients": 100, "rooms": 1, "rate": 50, "size": 16 * 1024}


def without_and_with(stalled, load):
    return Part({"scenario": "fanout", **load}), Part({"scenario": "stalled", **load, "stalled": stalled})


def on_all_numbers_of_nodes(name, load):
    return {f.on_nodes(name, nodes): Part(load.options, nodes, asks_nodes=True) for nodes in f.NODES}


ROOM_QUIET = Scenario(
    letter="a",
    title="a room of 500 on 2 nodes, 60 messages/s",
    parts={"": fanout(60)},
    targets=ALL,
    figures=f.SENDING,
    aims=(Aim(f.CPU, 1.3, FLOOR), Aim(f.CPU, 0.4, HASH)),
)
ROOM_LOUD = Scenario(
    letter="b",
    title="a room of 500 on 2 nodes, 400 messages/s: 200,000 deliveries/s",
    parts={"": fanout(400)},
    targets=ALL,
    figures=f.SENDING,
    aims=(
        Aim(f.SHARE, 0.99, at_least=True),  # what is sent last in the window arrives after it
        Aim(f.LOST, 0),
        Aim(f.CPU, 1, FLOOR),
        Aim(f.CPU, 0.5, HASH),
        Aim(f.P99, 50),
    ),
)
# The other servers' Redis carries a bare PUBLISH per message, Starling's the log as well.
PAIRS = Scenario(
    letter="c",
    title="500 pairs across nodes, 2,000 messages/s in all",
    parts={"": pairs(1000, 2000)},
    targets=ALL,
    figures=f.SENDING,
    aims=(Aim(f.CPU, 3, FLOOR), Aim(f.CPU, 0.4, HASH), Aim(f.P50, 1), Aim(f.P99, 5), Aim(f.REDIS, 3, HASH)),
)
IDLE = Scenario(
    letter="d",
    title="10,000 idle connections, each with a room and a watch",
    parts={"": Part({"scenario": "idle", "clients": 10_000}, seconds_min=30)},  # all ping every 25 s
    targets=PEERS,
    figures=(f.MEMORY, f.IDLE_CPU, f.READY),
    aims=(Aim(f.MEMORY, 8), Aim(f.IDLE_CPU, 1.5)),
)
CONNECT = Scenario(
    letter="e",
    title="10,000 connect as fast as it goes, each into a room",
    parts={"": Part({"scenario": "connect", "clients": 10_000})},
    targets=ALL,
    figures=(f.CONNECT_CPU, f.CONNECTS, f.READY),
    aims=(Aim(f.CONNECT_CPU, 0.2, HASH),),
)
BUSY = Scenario(
    letter="f",
    title="a room of 5,000 at 20 messages/s beside 200 pairs",
    parts={"alone": busy(0), "beside": busy(5000)},
    targets=TWO,
    figures=(f.PAIRS_ALONE, f.PAIRS_BESIDE, f.BESIDE, f.ROOM),
    aims=(Aim(f.BESIDE, 1.5),),
)
STALLED = Scenario(
    letter="g",
    title="10,000 readers in rooms of 100, 1,000 of them stalled; full: 100 in one room, 10 of them stalled",
    parts=dict(
        zip(
            ("alone", "stalled", "full, alone", "full, stalled"),
            (*without_and_with(1000, MANY_READERS), *without_and_with(10, FULL)),
        )
    ),
    targets=TWO,
    figures=(
        *(f.NONE_STALLED, f.OTHERS, f.STALLED),
        *(f.FULL_NONE_STALLED, f.FULL_OTHERS, f.FULL_STALLED, f.KEPT, f.CLOSED),
    ),
    aims=(Aim(f.STALLED, 1.2), Aim(f.FULL_STALLED, 1.2), Aim(f.KEPT, 1024)),  # limits.outbox_bytes is 1 MiB
)
NODES = Scenario(
    letter="h",
    title="the same messages on 1, 2 and 4 nodes",
    parts={
        **on_all_numbers_of_nodes("fanout", fanout(60)),
        **on_all_numbers_of_nodes("pairs", pairs(200, 400)),
    },
    targets=TWO,
    figures=(
        *(*f.costs_by_nodes("fanout"), f.FANOUT_GROWTH, *f.costs_by_nodes("pairs"), f.PAIRS_GROWTH),
        *(f.PUBLICATIONS, f.IN_VAIN),
    ),
    aims=(Aim(f.FANOUT_GROWTH, 1.1), Aim(f.PAIRS_GROWTH, 1.1), Aim(f.IN_VAIN, 0)),
)
STORM = Scenario(
    letter="i",
    title="3,000 users drop and come back within a second, each watched by 10",
    parts={"": Part({"scenario": "storm", "clients": 3000, "watchers": 10})},
    targets=TWO,
    figures=(f.ERRORS, f.WRONG, f.SETTLED, f.STORM_CPU),
    aims=(Aim(f.ERRORS, 0), Aim(f.WRONG, 0), Aim(f.SETTLED, 5), Aim(f.STORM_CPU, 2)),
)

SCENARIOS = {each.letter: each for each in (ROOM_QUIET, ROOM_LOUD, PAIRS, IDLE, CONNECT, BUSY, STALLED, NODES, STORM)}
