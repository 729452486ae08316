from itertools import pairwise

import numpy as np
import pytest

from streams.train.pictures.photograph_pool import LEAST_SHARE, SHOTS, PhotographPool
from streams.train.pictures.photographs import find_photographs
from streams.train.pictures.scene import HEIGHT, WIDTH

SIZES = ((640, 480), (512, 512), (377, 600), (768, 432))


@pytest.fixture(scope="module")
def photographs(installer):
    return tuple(find_photographs("train", installer))


def test_the_same_number_is_the_same_picture_in_any_order(photographs):
    pool, again, other = (PhotographPool(photographs, seed) for seed in (1, 1, 2))
    assert (pool.facts, pool.shots) == (again.facts, again.shots)
    assert pool.shots != other.shots
    numbers = range(0, len(pool), 5)
    forth = [pool.draw(number) for number in numbers]
    back = [again.draw(number) for number in reversed(numbers)][::-1]
    assert all(np.array_equal(one, two) for one, two in zip(forth, back, strict=True))
    assert all(image.shape == (HEIGHT, WIDTH, 3) and image.dtype == np.uint8 for image in forth)
    with pytest.raises(IndexError):
        pool.draw(len(pool))


def test_each_photograph_is_in_several_shots_of_some_pictures(photographs):
    pool = PhotographPool(photographs)
    lengths = [pool.shots.count(shot) for shot in range(len(photographs) * SHOTS)]
    assert set(lengths) == {1, 2, 3, 4}
    assert sum(lengths) == len(pool) == len(pool.facts)
    for facts, shot in zip(pool.facts, pool.shots, strict=True):
        (thing,) = facts.things
        photograph, _ = photographs[shot // SHOTS]
        assert (thing.name, thing.parent) == (photograph.names[0], photograph.classes[0])
        assert (thing.names, thing.classes, thing.colour, thing.place) == (*_labels(photograph), None, "")


def _labels(photograph):
    return photograph.names, photograph.classes


@pytest.mark.parametrize("size", SIZES)
def test_the_camera_drifts_and_always_shows_nearly_all(photographs, size):
    pool = PhotographPool(photographs)
    boxes = {}
    for number, shot in enumerate(pool.shots):
        left, top, right, bottom = pool.crop(size, number)
        boxes.setdefault(shot, []).append((left, top))
        assert -1e-6 <= left < right <= size[0] + 1e-6
        assert -1e-6 <= top < bottom <= size[1] + 1e-6
        assert right - left >= LEAST_SHARE * size[0] - 1e-6
        assert bottom - top >= LEAST_SHARE * size[1] - 1e-6
        if shot % SHOTS == 0:
            assert (left, top, right, bottom) == (0, 0, *size)
    drifting = [starts for shot, starts in boxes.items() if shot % SHOTS and len(starts) > 1]
    assert drifting
    assert all(len(set(starts)) > 1 for starts in drifting)
    steps = [abs(b[0] - a[0]) for starts in drifting for a, b in pairwise(starts)]
    assert max(steps) <= 0.03 * size[0] + 1e-6


def test_a_photograph_keeps_its_shape(photographs):
    """Bars of one colour fill what is left of the frame, but for what a camera does to them."""
    pool = PhotographPool(photographs)
    number, (_, path) = pool.shots.index(0), photographs[0]
    assert path.name == "00214f311d5d2247d5dfe4fe24b2303d.jpg"
    image = pool.draw(number).astype(int)
    bars = np.concatenate([image[:, :20], image[:, -20:]], axis=1)
    assert bars.std(axis=(0, 1)).max() < image.std(axis=(0, 1)).min()
