import numpy as np
import PIL.Image
import pytest

from video.view import confirmations, look, views

WIDE = np.zeros((100, 200, 3), dtype=np.uint8)


def test_a_wide_frame_is_seen_whole_twice_and_by_halves():
    found = views(WIDE, 0.8, regions=True)
    assert [(view.region, view.box) for view in found] == [
        ("", pytest.approx((60, 10, 140, 90))),
        ("", (0, 0, 200, 100)),
        ("left", (0, 0, 100, 100)),
        ("right", (100, 0, 200, 100)),
    ]
    assert [view.region for view in views(WIDE, 0.8, regions=False)] == ["", ""]


def test_a_tall_frame_is_halved_across_and_a_square_one_not_at_all():
    tall = views(np.zeros((200, 100, 3), dtype=np.uint8), 0.8, regions=True)
    assert [view.region for view in tall] == ["", "", "top", "bottom"]
    assert [view.region for view in views(np.zeros((100, 100, 3), dtype=np.uint8), 0.8, regions=True)] == [
        "",
        "",
    ]


@pytest.mark.parametrize(("half", "wide"), [(2, (0, 0, 120, 100)), (3, (80, 0, 200, 100))])
def test_a_half_is_confirmed_closer_and_wider_inside_the_frame(half, wide):
    closer, wider = confirmations(views(WIDE, 0.8, regions=True)[half], WIDE, 0.8)
    assert wider.box == wide
    assert closer.box[2] - closer.box[0] == pytest.approx(80)


def test_look_crops_and_resizes():
    image = WIDE.copy()
    image[:, 100:] = 255
    right = views(image, 0.8, regions=True)[3]
    seen = look(image, right, (10, 20), PIL.Image.Resampling.BICUBIC)
    assert seen.shape == (10, 20, 3)
    assert (seen[:, 1:] == 255).all()  # the filter reaches a little over the edge
