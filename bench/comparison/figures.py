"""The figures, and how they are taken from what the generator tells."""

from .model import Figure
from .spread import ratio

KB = 1024
NODES = (1, 2, 4)


def of(key, part="", scale=1.0):
    """Takes one of the generator's figures."""

    def take(parts):
        value = parts.get(part, {}).get(key)
        return None if value is None else value * scale

    return take


def total(*keys):
    def take(parts):
        values = [of(key)(parts) for key in keys]
        return None if None in values else sum(values)

    return take


def quotient(above, below):
    return lambda parts: ratio(above(parts), below(parts))


def difference_per(key, part, base, count):
    """By how much a figure of one part exceeds that of another, per `count` of the first."""

    def take(parts):
        more, less, number = of(key, part)(parts), of(key, base)(parts), of(count, part)(parts)
        return None if more is None or less is None or not number else max(0, more - less) / number / KB

    return take


def on_nodes(load, nodes):
    """The name of a part of scenario h."""
    return f"{load}, {nodes} node{'' if nodes == 1 else 's'}"


def most_by_one(load):
    """The highest cost with more nodes, as a multiple of that with one."""

    def take(parts):
        costs = [of("server_cpu_per_delivery_us", on_nodes(load, nodes))(parts) for nodes in NODES]
        return None if None in costs else ratio(max(costs[1:]), costs[0])

    return take


def over_all_parts(key):
    def take(parts):
        values = [part.get(key) for part in parts.values()]
        return sum(values) if values and None not in values else None

    return take


def costs_by_nodes(load):
    return tuple(
        Figure(f"{part}: CPU per delivery", "us", of("server_cpu_per_delivery_us", part))
        for part in (on_nodes(load, nodes) for nodes in NODES)
    )


CPU = Figure("CPU per delivery", "us", of("server_cpu_per_delivery_us"))
P50 = Figure("latency p50", "ms", of("latency_p50_ms"), 2)
P99 = Figure("latency p99", "ms", of("latency_p99_ms"), 2)
REACHED = Figure("deliveries", "per s", of("deliveries_reached_per_s"), 0)
SHARE = Figure("delivered in time", "", quotient(of("deliveries_reached_per_s"), of("deliveries_wanted_per_s")), 3)
LOST = Figure("lost", "", of("lost"), 0)
REDIS = Figure("Redis CPU per message", "us", of("redis_cpu_per_message_us"), 0)
COMMANDS = Figure("Redis commands per message", "", of("redis_commands_per_message"), 2)
SENDING = (CPU, P50, P99, REACHED, SHARE, LOST, REDIS, COMMANDS)

MEMORY = Figure("resident per connection", "KB", of("rss_per_connection_bytes", scale=1 / KB))
IDLE_CPU = Figure("CPU per connection", "us/s", of("server_cpu_per_connection_us_per_s"), 2)
CONNECT_CPU = Figure("CPU per connect", "us", of("server_cpu_per_connect_us"), 0)
CONNECTS = Figure("connects", "per s", of("connects_per_s"), 0)
READY = Figure("ready within, p99", "ms", of("ready_in_p99_ms"), 0)

PAIRS_ALONE = Figure("pairs' p99 alone", "ms", of("pairs_latency_p99_ms", "alone"), 2)
PAIRS_BESIDE = Figure("pairs' p99 beside the room", "ms", of("pairs_latency_p99_ms", "beside"), 2)
BESIDE = Figure("pairs' p99, beside the room / alone", "", quotient(PAIRS_BESIDE.of, PAIRS_ALONE.of), 2)
ROOM = Figure(
    "the room's p99", "ms", of("room_latency_p99_ms", "beside"), 2, limited_by="generator_was_the_limit_of_others"
)

NONE_STALLED = Figure("p99, none stalled", "ms", of("latency_p99_ms", "alone"), 2)
OTHERS = Figure("the others' p99", "ms", of("latency_p99_ms", "stalled"), 2)
STALLED = Figure("the others' p99 / none stalled", "", quotient(OTHERS.of, NONE_STALLED.of), 2)
FULL_NONE_STALLED = Figure("full: p99, none stalled", "ms", of("latency_p99_ms", "full, alone"), 2)
FULL_OTHERS = Figure("full: the others' p99", "ms", of("latency_p99_ms", "full, stalled"), 2)
FULL_STALLED = Figure("full: the others' p99 / none stalled", "", quotient(FULL_OTHERS.of, FULL_NONE_STALLED.of), 2)
KEPT = Figure(
    "full: kept per stalled client",
    "KB",
    difference_per("rss_peak_bytes", "full, stalled", "full, alone", "stalled"),
    0,
)
CLOSED = Figure("full: stalled clients closed", "", of("stalled_closed", "full, stalled"), 0)

FANOUT_GROWTH = Figure("fanout: CPU per delivery, most / 1 node", "", most_by_one("fanout"), 2)
PAIRS_GROWTH = Figure("pairs: CPU per delivery, most / 1 node", "", most_by_one("pairs"), 2)
PUBLICATIONS = Figure("publications read by nodes", "", over_all_parts("publications_read"), 0)
IN_VAIN = Figure("publications read in vain", "", over_all_parts("publications_read_in_vain"), 0)

ERRORS = Figure("errors", "", total("refused", "failed_returns", "users_not_back", "observers_ended"), 0)
WRONG = Figure("watches wrong at the end", "", of("watches_wrong"), 0)
SETTLED = Figure("all told right after", "s", of("all_right_after_ms", scale=1e-3), 2)
STORM_CPU = Figure("CPU until then", "s", of("server_cpu_until_right_ms", scale=1e-3), 2)
