import os
import pathlib
import tempfile
import unittest

from comparison.processes import Failed, free_ports, is_free, output_of, process, wait_for_line


class ProcessTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.log = pathlib.Path(directory.name) / "log"

    def test_is_ended_with_its_block(self):
        with process(["sh", "-c", "echo ready; exec sleep 60"], self.log) as child:
            wait_for_line(child, self.log, "ready", 10)
        self.assertRaises(ProcessLookupError, os.kill, child.pid, 0)

    def test_that_ends_early_is_told_with_its_last_words(self):
        with process(["sh", "-c", "echo oops; exit 3"], self.log) as child:
            with self.assertRaisesRegex(Failed, "ended with 3: oops"):
                wait_for_line(child, self.log, "ready", 10)

    def test_that_is_not_ready_in_time_is_told(self):
        with process(["sleep", "60"], self.log) as child:
            with self.assertRaisesRegex(Failed, "not ready within"):
                wait_for_line(child, self.log, "ready", 0.1)

    def test_gives_its_output_or_fails_in_time(self):
        self.assertEqual(output_of(["sh", "-c", "echo one; echo two >&2; exit 1"], 10), (1, "one\n", "two\n"))
        with self.assertRaisesRegex(Failed, "not done within"):
            output_of(["sleep", "60"], 0.1)


class PortsTest(unittest.TestCase):
    def test_are_free(self):
        first = free_ports(3)
        self.assertTrue(all(is_free(port) for port in range(first, first + 3)))
