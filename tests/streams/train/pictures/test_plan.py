from dataclasses import replace

import pytest

from streams.train.pictures.plan import _set_out
from streams.train.pictures.scene import HEIGHT, WIDTH, Item


@pytest.mark.parametrize("motion", ["left", "right", "up", "down"])
def test_a_thing_that_moves_is_the_one_that_was_chosen(motion):
    item = Item("stamps", "fish", WIDTH // 2, HEIGHT // 2, 100, 2, 7.5, True, (1, 2, 3), variant=6)
    (moved,), stride = _set_out(item, motion, 3)
    assert stride != (0, 0)
    assert (moved.x, moved.y) == (item.x - stride[0], item.y - stride[1])
    assert replace(moved, x=item.x, y=item.y) == item
