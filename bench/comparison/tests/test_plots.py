import pathlib
import tempfile
import unittest

from comparison import plots
from comparison.runs import Result

FIGURES = {"server_cpu_per_delivery_us": 4.5, "latency_p50_ms": 1, "latency_p99_ms": 9}
RESULTS = {"a": [{"starling": Result({"": FIGURES}), "floor": Result(failed=True, problem="no")}]}


class PlotsTest(unittest.TestCase):
    def test_the_same_figures_make_the_same_bytes_and_nothing_measured_makes_no_picture(self):
        made = []
        for _ in range(2):
            with tempfile.TemporaryDirectory() as name:
                directory = pathlib.Path(name)
                written = plots.write(RESULTS, directory, "x")
                made.append([(directory / file).read_bytes() for _, file in written])
                self.assertEqual([file for _, file in written], ["x-cpu.svg", "x-latency.svg"])
        self.assertEqual(made[0], made[1])
