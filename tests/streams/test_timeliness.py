from streams.timeliness import matched
from streams.types import US_PER_S


def test_each_is_in_one_pair_at_most():
    due, spoken = [10, 13, 30], [9, 11.5, 12, 14, 33]
    pairs = matched([at * US_PER_S for at in due], [round(at * US_PER_S) for at in spoken])
    assert pairs == [(0, 1), (1, 3)]
