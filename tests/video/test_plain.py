import numpy as np
import pytest

from video.plain import plain_colour


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((128, 128, 128), "grey"),
        ((220, 20, 20), "red"),
        ((230, 20, 60), "red"),
        ((255, 140, 0), "orange"),
        ((250, 230, 20), "yellow"),
        ((30, 160, 40), "green"),
        ((0, 200, 220), "cyan"),
        ((20, 60, 220), "blue"),
        ((120, 20, 220), "purple"),
        ((255, 60, 180), "pink"),
    ],
)
def test_a_picture_of_one_colour_is_named_in_spite_of_noise(rgb, name):
    noise = np.random.default_rng(0).integers(-4, 5, (90, 160, 3))
    image = np.clip(np.array(rgb) + noise, 0, 255).astype(np.uint8)
    assert plain_colour(image) == name


def test_a_picture_that_shows_something_is_not_plain():
    image = np.zeros((90, 160, 3), dtype=np.uint8)
    image[40:50, 70:90] = 255
    assert plain_colour(image) is None
