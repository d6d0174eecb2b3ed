import json
import unittest

from comparison import report
from comparison.processes import Failed
from comparison.runs import Result, broken, read_report
from comparison.scenarios import HASH

FACTS = {"date": "2026-01-02", "commit": "abc1234", "cores": 2}


def result(cpu_us, **more):
    return Result({"": {"server_cpu_per_delivery_us": cpu_us, "remarks": [], **more}})


def rounds():
    return [
        {"starling": result(4), HASH: result(8)},
        {HASH: result(10, generator_was_the_limit=True), "starling": result(5)},
        {"starling": result(3), HASH: Result(problem="not ready within 60 s: no", failed=True)},
    ]


class ReportTest(unittest.TestCase):
    def setUp(self):
        self.text = report.markdown(FACTS, {"a": rounds()}, 3, 8.0)

    def test_shows_medians_and_says_where_the_generator_was_the_limit(self):
        self.assertIn("| CPU per delivery, us | 4.0 (3.0 to 5.0) | 9.0 (8.0 to 10.0)† |", self.text)

    def test_says_where_it_was_the_limit_only_of_what_is_beside_what_is_measured(self):
        told = {"pairs_latency_p99_ms": 1, "room_latency_p99_ms": 9}
        beside = {**told, "generator_was_the_limit": False, "generator_was_the_limit_of_others": True}
        text = report.markdown(FACTS, {"f": [{"starling": Result({"alone": told, "beside": beside})}]}, 1, 8.0)
        self.assertIn("| pairs' p99 beside the room, ms | 1.00 |", text)
        self.assertIn("| the room's p99, ms | 9.00† |", text)

    def test_takes_ratios_within_a_round(self):
        self.assertIn("| a | CPU per delivery ≤ 0.4 × socketio-hash's | 0.50 | **not reached** |", self.text)

    def test_tells_what_was_not_measured(self):
        self.assertIn("| a | CPU per delivery ≤ 1.3 × floor's | - | not measured |", self.text)

    def test_tells_what_failed_and_when(self):
        self.assertIn("- socketio-hash, round 3: not ready within 60 s: no", self.text)

    def test_says_what_each_target_persists(self):
        self.assertIn("append-only", self.text)
        self.assertNotIn("socketio-adapter", self.text)

    def test_a_remark_of_several_rounds_stands_once(self):
        of_rounds = [{"starling": result(1, **{"remarks": ["slow"]})} for _ in range(2)]
        self.assertEqual(report.remarks(of_rounds), "- starling, round 1, 2: slow")

    def test_goes_into_json_with_all_that_was_told(self):
        told = json.loads(json.dumps(report.plain(FACTS, {"a": rounds()}, 3, 8.0, False)))
        self.assertEqual(told["scenarios"]["a"][0]["starling"]["parts"][""]["server_cpu_per_delivery_us"], 4)
        self.assertTrue(told["scenarios"]["a"][2][HASH]["failed"])


class GeneratorTest(unittest.TestCase):
    def test_says_what_was_not_as_promised(self):
        self.assertEqual(broken({"lost": 0, "out_of_order": 2}), "not as promised: 2 out of order")

    def test_says_in_which_part_it_remarks(self):
        self.assertEqual(Result({"alone": {"remarks": ["slow"]}}).remarks(), ["alone: slow"])

    def test_is_read_for_nodes_or_floor(self):
        self.assertEqual(read_report('{"nodes":{"clients_ready":1}}')["clients_ready"], 1)
        self.assertEqual(read_report('{"floor":{"clients_ready":2}}')["clients_ready"], 2)

    def test_fails_with_a_reason(self):
        for text, why in (
            ("oops", "no JSON: oops"),
            ("{}", "measured nothing"),
            ('{"nodes":{"clients_ready":0,"remarks":["refused"]}}', "refused"),
        ):
            with self.assertRaisesRegex(Failed, why):
                read_report(text)
