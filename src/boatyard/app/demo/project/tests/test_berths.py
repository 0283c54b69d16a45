import unittest

from berths import Berth, assign

BERTHS = [Berth("A1", 8.0), Berth("A2", 12.0), Berth("B1", 20.0)]


class Assign(unittest.TestCase):
    def test_a_boat_gets_the_shortest_berth_that_holds_it(self):
        self.assertEqual(assign({"Pinta": 10.5}, BERTHS), {"Pinta": "A2"})

    def test_the_longest_boat_chooses_first(self):
        self.assertEqual(assign({"Nina": 7.0, "Santa Maria": 19.0}, BERTHS), {"Santa Maria": "B1", "Nina": "A1"})

    def test_no_berth_is_given_twice(self):
        given = assign({"a": 7.0, "b": 7.5, "c": 7.9}, BERTHS)
        self.assertEqual(len(set(given.values())), 3)

    def test_a_boat_that_fits_nowhere_is_told(self):
        with self.assertRaisesRegex(LookupError, "Titanic"):
            assign({"Titanic": 269.0}, BERTHS)
