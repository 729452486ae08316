from statistics import mean

from streams.bench.bootstrap import interval


def test_an_interval_is_of_groups_not_of_items():
    assert interval([[1], [1]], mean) == (1, 1)
    assert interval([[1] * 5, [0] * 5], mean) == (0, 1)
    assert interval([[1, 0]] * 20, mean) == (0.5, 0.5)


def test_more_groups_say_it_more_exactly():
    few, many = (interval([[1], [0]] * count, mean) for count in (5, 200))
    assert few[0] < many[0] < 0.5 < many[1] < few[1]


def test_draws_without_a_figure_do_not_count():
    share = lambda items: mean(items) if items else None  # noqa: E731
    assert interval([[], [1]], share) == (1, 1)
    assert interval([[], []], share) == (None, None)
    assert interval([], share) == (None, None)
