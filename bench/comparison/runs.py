"""Doing it: targets take turns, each on a fresh start."""

import dataclasses
import json
import pathlib
import sys
import tempfile

from .processes import Failed, last_line, output_of
from .scenarios import SCENARIOS
from .servers import TARGETS, starling_binary

BESIDE_S = 240  # connecting, warming up and waiting for what is under way, beside the seconds that are measured


@dataclasses.dataclass
class Result:
    """One target in one round of one scenario."""

    parts: dict = dataclasses.field(default_factory=dict)  # name -> what the generator told
    problem: str = ""  # why there is nothing, or what was promised and not kept
    failed: bool = False

    def limited(self, by):
        return any(part.get(by) for part in self.parts.values())

    def remarks(self):
        return [named(part, remark) for part, told in self.parts.items() for remark in told.get("remarks", [])]


def named(part, text):
    return f"{part}: {text}" if part else str(text)


def broken(figures):
    """What the generator's exit code 1 means, in numbers."""
    kinds = ("lost", "duplicated", "out_of_order", "watches_wrong", "users_not_back")
    found = [f"{figures[kind]} {kind.replace('_', ' ')}" for kind in kinds if figures.get(kind)]
    return "not as promised: " + (", ".join(found) or "see the generator")


def turn(names, round_number):
    """The order of a round: each starts one further, so that none is always first."""
    shift = round_number % len(names) if names else 0
    return names[shift:] + names[:shift]


def read_report(text):
    """The generator's figures: of the nodes, or of the floor if it measured nothing else."""
    try:
        report = json.loads(text)
    except ValueError:
        raise Failed(f"the generator told no JSON: {last_line(text)}") from None
    figures = report.get("nodes") or report.get("floor")
    if not figures:
        raise Failed("the generator measured nothing")
    if not figures.get("clients_ready"):
        raise Failed("; ".join(figures.get("remarks", [])) or "nobody could connect")
    return figures


def run_part(target, part, seconds, quick):
    """Returns (figures, exit code of the generator)."""
    with tempfile.TemporaryDirectory(prefix="starling-bench-") as name:
        with target.start(part.nodes, pathlib.Path(name)) as cluster:
            argv = [
                starling_binary(),
                "bench",
                "--json",
                *part.arguments(seconds, quick),
                *target.arguments,
                *cluster.arguments(part.asks_nodes),
            ]
            code, out, errors = output_of(argv, max(seconds, part.seconds_min) + BESIDE_S)
    if code not in (0, 1):
        raise Failed(f"the generator ended with {code}: {last_line(errors)}")
    return read_report(out), code


def run_target(scenario, target, seconds, quick):
    result = Result()
    for name, part in scenario.parts.items():
        try:
            result.parts[name], code = run_part(target, part, seconds, quick)
        except (Failed, OSError) as problem:
            return Result(problem=named(name, problem), failed=True)
        if code and target.promises:
            result.failed = True
            result.problem = named(name, broken(result.parts[name]))
    return result


def run(letters, names, rounds, seconds, quick, results):
    """Adds to `results`, {letter: [{target: Result} for each round]}, each round when it is done.

    So whatever ends this early leaves what was measured there, but for the round under way: what is compared within a
    round wants all of it.
    """
    for letter in letters:
        scenario = SCENARIOS[letter]
        there = [name for name in names if name in scenario.targets]
        for number in range(rounds):
            done = {}
            for name in turn(there, number):
                tell(f"{letter}, round {number + 1} of {rounds}: {name}")
                result = run_target(scenario, TARGETS[name], seconds, quick)
                if result.problem:
                    tell(f"{letter}, {name}: {result.problem}")
                done[name] = result
            results.setdefault(letter, []).append(done)


def tell(line):
    print(f"bench: {line}", file=sys.stderr, flush=True)
