import numpy as np
import PIL.Image
import pytest

from video.view import confirmations, look, parts, whole

WIDE = np.zeros((100, 200, 3), dtype=np.uint8)


def test_a_wide_frame_is_named_by_its_middle_and_its_halves_too():
    found = parts(WIDE, 0.8, regions=True)
    assert [(view.region, view.box) for view in found] == [
        ("", pytest.approx((60, 10, 140, 90))),
        ("left", (0, 0, 100, 100)),
        ("right", (100, 0, 200, 100)),
    ]
    assert [view.region for view in parts(WIDE, 0.8, regions=False)] == [""]
    assert whole(WIDE).box == (0, 0, 200, 100)


def test_a_tall_frame_is_halved_across_and_a_square_one_not_at_all():
    tall = parts(np.zeros((200, 100, 3), dtype=np.uint8), 0.8, regions=True)
    assert [view.region for view in tall] == ["", "top", "bottom"]
    assert [view.region for view in parts(np.zeros((100, 100, 3), dtype=np.uint8), 0.8, regions=True)] == [""]


@pytest.mark.parametrize(("half", "wide"), [(1, (0, 0, 120, 100)), (2, (80, 0, 200, 100))])
def test_a_half_is_confirmed_closer_and_wider_inside_the_frame(half, wide):
    closer, wider = confirmations(parts(WIDE, 0.8, regions=True)[half], WIDE, 0.8)
    assert wider.box == wide
    assert closer.box[2] - closer.box[0] == pytest.approx(80)


def test_look_crops_and_resizes():
    image = WIDE.copy()
    image[:, 100:] = 255
    right = parts(image, 0.8, regions=True)[2]
    seen = look(image, right, (10, 20), PIL.Image.Resampling.BICUBIC)
    assert seen.shape == (10, 20, 3)
    assert (seen[:, 1:] == 255).all()  # the filter reaches a little over the edge
