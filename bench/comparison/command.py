"""The command line of bench/compare."""

import argparse
import importlib.util
import json
import os
import pathlib
import resource
import signal
import sys
import traceback

from . import machine, plots, report, runs
from .scenarios import SCENARIOS
from .servers import TARGETS, starling_binary
from .summary import missing

ROOT = pathlib.Path(__file__).parent.parent.parent


def one_of(known):
    def parse(text):
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"no {name!r}: there are {', '.join(known)}")
        return names

    return parse


def at_least(least, kind):
    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"not a number: {text!r}") from None
        if value < least:
            raise argparse.ArgumentTypeError(f"less than {least}")
        return value

    return parse


def parse(argv):
    parser = argparse.ArgumentParser(
        prog="./dev bench",
        description="Measures Starling, its peers and the floor in turn, each on a fresh start, and writes a report.",
        epilog="Scenarios: " + "; ".join(f"{each.letter}: {each.title}" for each in SCENARIOS.values()),
    )
    parser.add_argument(
        "--scenarios", type=one_of(SCENARIOS), default=list(SCENARIOS), metavar="a,c", help="all by default"
    )
    parser.add_argument(
        "--targets", type=one_of(TARGETS), default=list(TARGETS), metavar="NAME,...", help=", ".join(TARGETS)
    )
    parser.add_argument("--rounds", type=at_least(1, int), metavar="N", help="3 by default")
    parser.add_argument("--seconds", type=at_least(1, float), metavar="S", help="measured in each run; 6 by default")
    parser.add_argument(
        "--quick", action="store_true", help="one round of 3 s with fewer clients, into build/bench/: does it work?"
    )
    parser.add_argument(
        "--out", type=pathlib.Path, metavar="DIR", help="where the report goes; bench/results by default"
    )
    options = parser.parse_args(argv)
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (3 if options.quick else 6)
    options.out = options.out or pathlib.Path("build/bench" if options.quick else "bench/results")
    return options


def write(options, facts, results, notice=""):
    """Writes the report in its three forms; returns its text. One with a notice takes the place of none without."""
    options.out.mkdir(parents=True, exist_ok=True)
    stem = f"{facts['date']}-{facts['commit']}" + ("-not-complete" if notice else "")
    scale = (options.rounds, options.seconds, options.quick)
    told = report.plain(facts, results, *scale, notice)
    (options.out / f"{stem}.json").write_text(json.dumps(told, indent=1) + "\n")  # first: the rest can be made of it
    pictures = plots.write(results, options.out, stem)
    text = report.markdown(facts, results, *scale, pictures, notice)
    (options.out / f"{stem}.md").write_text(text)
    return text


def on_signals(handler):
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, handler)


def measure(options, results):
    """Fills `results`. Returns (why it is not complete, exit code), or ("", 0)."""
    on_signals(signal.default_int_handler)  # everything started is ended on the way out
    try:
        runs.run(options.scenarios, options.targets, options.rounds, options.seconds, options.quick, results)
    except KeyboardInterrupt:
        return "it was interrupted", 130
    except Exception as problem:  # whatever it is, hours of measuring must not go with it
        traceback.print_exc()
        return f"it broke off with {type(problem).__name__}: {problem}", 1
    finally:
        on_signals(signal.SIG_IGN)  # the report is written in some seconds: a second Ctrl-C must not stop that
    return "", 0


def main(argv):
    options = parse(argv)
    os.chdir(ROOT)
    if not os.access(starling_binary(), os.X_OK):
        print(f"bench: no {starling_binary()}: ./dev build", file=sys.stderr)
        return 2
    if not importlib.util.find_spec("matplotlib"):  # better now than after an hour
        print("bench: no matplotlib for this Python: apt-get install python3-matplotlib", file=sys.stderr)
        return 2
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))  # many connections are the point
    facts = machine.facts()
    results = {}
    why, code = measure(options, results)
    if not results:
        print(f"bench: {why} before a round was done; nothing is written", file=sys.stderr)
        return code
    left = missing(options.scenarios, options.rounds, results)
    notice = report.interruption(why, left, options.rounds) if why else ""
    print(write(options, facts, results, notice))
    print(f"bench: {why + '; what was done is ' if why else ''}written to {options.out}", file=sys.stderr)
    failed = any(result.failed for rounds in results.values() for each in rounds for result in each.values())
    return code or int(failed)
