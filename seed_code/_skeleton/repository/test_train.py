import unittest

from train import mean


class TrainTest(unittest.TestCase):
    def test_the_mean_is_between_the_extremes(self) -> None:
        self.assertEqual(mean([1.0, 2.0, 6.0]), 3.0)
