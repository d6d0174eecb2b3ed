import unittest

from comparison import figures
from comparison.model import Aim
from comparison.runs import turn
from comparison.scenarios import HASH, SCENARIOS
from comparison.servers import TARGETS, Cluster


class PartTest(unittest.TestCase):
    def test_becomes_the_arguments_of_the_generator(self):
        words = SCENARIOS["a"].parts[""].arguments(8.0, quick=False)
        self.assertEqual(" ".join(words), "--scenario fanout --clients 500 --rooms 1 --rate 60 --seconds 8")

    def test_quick_takes_a_tenth_of_thousands(self):
        words = " ".join(SCENARIOS["g"].parts["stalled"].arguments(3, quick=True))
        self.assertIn("--clients 1000 ", words)
        self.assertIn("--stalled 100 ", words)
        self.assertIn("--clients 500 ", " ".join(SCENARIOS["a"].parts[""].arguments(3, quick=True)))
        self.assertIn("--clients 1000 ", " ".join(SCENARIOS["c"].parts[""].arguments(3, quick=True)))

    def test_lasts_long_enough_for_what_it_measures(self):
        self.assertIn("--seconds 30", " ".join(SCENARIOS["d"].parts[""].arguments(8, quick=False)))
        self.assertIn("--seconds 3", " ".join(SCENARIOS["d"].parts[""].arguments(3, quick=True)))


class ClusterTest(unittest.TestCase):
    def test_is_asked_for_metrics_only_where_a_part_wants_it(self):
        cluster = Cluster(urls=("ws://a:1",), redis=("a:2", "a:3"), metrics=("a:1",))
        words = ["--nodes", "ws://a:1", "--redis", "a:2,a:3"]
        self.assertEqual(cluster.arguments(), words)
        self.assertEqual(cluster.arguments(asks_nodes=True), [*words, "--metrics", "a:1"])
        self.assertEqual(Cluster().arguments(asks_nodes=True), [])
        asking = [each.letter for each in SCENARIOS.values() if any(part.asks_nodes for part in each.parts.values())]
        self.assertEqual(asking, ["h"])


class ScenarioTest(unittest.TestCase):
    def test_names_known_targets(self):
        for scenario in SCENARIOS.values():
            self.assertLessEqual(set(scenario.targets), set(TARGETS), scenario.letter)

    def test_aims_at_figures_and_targets_of_its_own(self):
        for scenario in SCENARIOS.values():
            for aim in scenario.aims:
                self.assertIn(aim.figure, scenario.figures, scenario.letter)
                self.assertIn(aim.against or "starling", scenario.targets, scenario.letter)

    def test_takes_no_figures_from_nothing(self):
        for scenario in SCENARIOS.values():
            self.assertEqual(set(scenario.figures_of({}).values()), {None}, scenario.letter)


class FiguresTest(unittest.TestCase):
    def test_growth_with_nodes_is_the_worst_one(self):
        parts = {
            figures.on_nodes("pairs", n): {"server_cpu_per_delivery_us": us} for n, us in ((1, 10), (2, 12), (4, 11))
        }
        self.assertEqual(figures.PAIRS_GROWTH.of(parts), 1.2)
        del parts["pairs, 1 node"]
        self.assertIsNone(figures.PAIRS_GROWTH.of(parts))

    def test_publications_are_counted_over_all_numbers_of_nodes_or_not_at_all(self):
        found = {"fanout, 1 node": 0, "fanout, 2 nodes": 3}
        parts = {name: {"publications_read_in_vain": count} for name, count in found.items()}
        self.assertEqual(figures.IN_VAIN.of(parts), 3)
        self.assertFalse(Aim(figures.IN_VAIN, 0).reached(3))
        parts["fanout, 4 nodes"] = {"publications_read_in_vain": None}  # another server's
        self.assertIsNone(figures.IN_VAIN.of(parts))

    def test_what_a_stalled_client_keeps_is_beyond_what_all_do(self):
        parts = {
            "full, alone": {"rss_peak_bytes": 1024},
            "full, stalled": {"rss_peak_bytes": 1024 * 21, "stalled": 10},
        }
        self.assertEqual(figures.KEPT.of(parts), 2)


class AimTest(unittest.TestCase):
    def test_is_a_limit_or_a_ratio_within_a_round(self):
        of_round = {"starling": {"latency p99": 4, "CPU per delivery": 6}, HASH: {"CPU per delivery": 12}}
        self.assertEqual(Aim(figures.P99, 5).value(of_round), 4)
        self.assertEqual(Aim(figures.CPU, 0.4, HASH).value(of_round), 0.5)
        self.assertIsNone(Aim(figures.CPU, 1, "floor").value(of_round))

    def test_says_itself(self):
        self.assertEqual(Aim(figures.CPU, 0.4, HASH).text(), "CPU per delivery ≤ 0.4 × socketio-hash's")
        self.assertEqual(Aim(figures.SHARE, 0.99, at_least=True).text(), "delivered in time ≥ 0.99")
        self.assertEqual(Aim(figures.P99, 50).text(), "latency p99 ≤ 50 ms")

    def test_is_reached_at_its_limit(self):
        self.assertTrue(Aim(figures.P99, 5).reached(5))
        self.assertFalse(Aim(figures.P99, 5).reached(5.1))
        self.assertFalse(Aim(figures.SHARE, 0.99, at_least=True).reached(0.98))


class TurnTest(unittest.TestCase):
    def test_each_round_begins_with_another_target(self):
        self.assertEqual([turn(["x", "y", "z"], n)[0] for n in range(4)], ["x", "y", "z", "x"])
        self.assertEqual(turn(["x", "y", "z"], 1), ["y", "z", "x"])
        self.assertEqual(turn([], 1), [])
