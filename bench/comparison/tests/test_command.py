import contextlib
import io
import json
import os
import pathlib
import signal
import tempfile
import unittest
from unittest import mock

from comparison import command, machine, plots, runs
from comparison.runs import Result

FACTS = {"date": "2026-01-02", "commit": "abc1234"}
ARGUMENTS = ("--scenarios", "a,h", "--targets", "starling,floor", "--rounds", "2")


def measured():
    return Result({"": {"server_cpu_per_delivery_us": 4.5, "remarks": []}})


class InterruptedTest(unittest.TestCase):
    """Scenario a has two targets in each round, h has one."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.out = pathlib.Path(directory.name)
        self.addCleanup(os.chdir, os.getcwd())
        for each in (signal.SIGINT, signal.SIGTERM):
            self.addCleanup(signal.signal, each, signal.getsignal(each))

    def run_command(self, at=None, happens=None):
        """Returns (exit code, what it said); in the `at`th run `happens` is called."""
        count = 0

        def run_target(*_):
            nonlocal count
            count += 1
            if count == at:
                happens()
            return measured()

        said = io.StringIO()
        with contextlib.ExitStack() as changed:
            changed.enter_context(mock.patch.object(runs, "run_target", run_target))
            changed.enter_context(mock.patch.object(machine, "facts", lambda: FACTS))
            changed.enter_context(mock.patch.object(plots, "write", lambda *_: []))
            changed.enter_context(mock.patch.dict(os.environ, {"STARLING": "/bin/sh"}))
            changed.enter_context(contextlib.redirect_stdout(said))
            changed.enter_context(contextlib.redirect_stderr(said))
            return command.main([*ARGUMENTS, "--out", str(self.out)]), said.getvalue()

    def report(self):
        return (self.out / "2026-01-02-abc1234-not-complete.md").read_text()

    def rounds(self):
        told = json.loads((self.out / "2026-01-02-abc1234-not-complete.json").read_text())
        self.assertIn("Missing", told["not_complete"])
        return {letter: len(rounds) for letter, rounds in told["scenarios"].items()}

    def test_not_at_all(self):
        code, _ = self.run_command()
        self.assertEqual(code, 0)
        written = sorted(file.name for file in self.out.iterdir())
        self.assertEqual(written, ["2026-01-02-abc1234.json", "2026-01-02-abc1234.md"])
        self.assertNotIn("Not complete", (self.out / "2026-01-02-abc1234.md").read_text())
        told = json.loads((self.out / "2026-01-02-abc1234.json").read_text())
        self.assertEqual(told["not_complete"], "")

    def test_by_a_signal_it_reports_the_rounds_done_and_what_is_missing(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            code, said = self.run_command(6, lambda number=number: os.kill(os.getpid(), number))
            self.assertEqual(code, 130)
            self.assertIn("it was interrupted; what was done is written to", said)
            self.assertIn("**Not complete**: it was interrupted.", self.report())
            self.assertIn("Missing: h 1 of 2 rounds.", self.report())
            self.assertEqual(self.rounds(), {"a": 2, "h": 1})

    def test_in_a_round_it_leaves_that_round_out(self):
        self.run_command(4, lambda: os.kill(os.getpid(), signal.SIGINT))
        self.assertEqual(self.rounds(), {"a": 1})
        self.assertIn("Missing: a 1 of 2 rounds, h 2 of 2 rounds.", self.report())
        self.assertIn("| CPU per delivery, us | 4.5 | 4.5 |", self.report())
        self.assertNotIn("## h", self.report())

    def test_by_an_error_it_says_which(self):
        def broken():
            raise KeyError("nodes")

        code, said = self.run_command(3, broken)
        self.assertEqual(code, 1)
        self.assertIn("Traceback", said)
        self.assertIn("**Not complete**: it broke off with KeyError: 'nodes'.", self.report())
        self.assertEqual(self.rounds(), {"a": 1})

    def test_before_anything_was_done_it_writes_nothing(self):
        code, said = self.run_command(2, lambda: os.kill(os.getpid(), signal.SIGINT))
        self.assertEqual(code, 130)
        self.assertIn("nothing is written", said)
        self.assertEqual(list(self.out.iterdir()), [])

    def test_again_while_it_writes_it_goes_on(self):
        def write(*_):
            os.kill(os.getpid(), signal.SIGINT)
            return []

        with mock.patch.object(command.report, "interruption", lambda *_: write() or "Missing"):
            code, _ = self.run_command(3, lambda: os.kill(os.getpid(), signal.SIGINT))
        self.assertEqual(code, 130)
        self.assertEqual(self.rounds(), {"a": 1})
