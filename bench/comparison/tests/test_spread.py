import unittest

from comparison.spread import ratio, spread


class SpreadTest(unittest.TestCase):
    def test_is_the_median_with_the_lowest_and_highest(self):
        found = spread([5, 1, 3])
        self.assertEqual((found.median, found.least, found.most), (3, 1, 5))

    def test_of_an_even_number_is_between_the_middle_two(self):
        self.assertEqual(spread([1, 2, 4, 9]).median, 3)

    def test_leaves_out_what_was_not_measured(self):
        self.assertEqual(spread([None, 2]).median, 2)
        self.assertIsNone(spread([None]))
        self.assertIsNone(spread([]))

    def test_as_text_shows_a_range_only_where_there_is_one(self):
        self.assertEqual(spread([2]).text(1), "2.0")
        self.assertEqual(spread([1, 2, 30000]).text(0), "2 (1 to 30,000)")


class RatioTest(unittest.TestCase):
    def test_is_none_where_it_says_nothing(self):
        self.assertEqual(ratio(1, 4), 0.25)
        self.assertEqual(ratio(0, 4), 0)
        self.assertIsNone(ratio(1, 0))
        self.assertIsNone(ratio(None, 1))
        self.assertIsNone(ratio(1, None))
