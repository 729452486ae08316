"""Pictures at their times: still ones, a folder of them, a film, and cameras that are not there."""

import asyncio
import io
from itertools import islice

import numpy as np
import PIL.Image
import pytest

from streams.clock import ReplayClock
from streams.errors import ConfigError, MediaError
from streams.talk import sight
from streams.talk.sight import open_pictures, show


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(("b.png", "a.jpg", "notes.txt")):
        if name.endswith("txt"):
            (tmp_path / name).write_text("no picture")
        else:
            PIL.Image.fromarray(np.full((8, 8, 3), number * 90, np.uint8)).save(tmp_path / name)
    return tmp_path


def test_a_picture_stays(folder):
    shown = list(islice(open_pictures(str(folder / "a.jpg"), 2.0), 30))
    assert [at_us for at_us, _ in shown] == [500_000 * number for number in range(30)]
    assert {encoded for _, encoded in shown} == {(folder / "a.jpg").read_bytes()}


def test_pictures_of_a_folder_come_in_order_each_for_a_while(folder):
    shown = list(open_pictures(str(folder), 1.0))
    files = [(folder / name).read_bytes() for name in ("a.jpg", "b.png")]
    assert [encoded for _, encoded in shown] == [files[0]] * 5 + [files[1]] * 5


def test_a_folder_without_pictures_is_named(tmp_path):
    with pytest.raises(ConfigError, match="has no pictures"):
        open_pictures(str(tmp_path), 1.0)


def test_pictures_are_shown_at_their_times(folder):
    async def watch():
        clock = ReplayClock()
        shown = show(str(folder / "a.jpg"), 1.0, clock, fast=False)
        assert (await anext(shown))[0] == 0
        second = asyncio.create_task(anext(shown))
        await asyncio.sleep(0.05)
        assert not second.done()
        clock.advance_to(1_000_000)
        assert (await second)[0] == 1_000_000

    asyncio.run(watch())


def test_a_camera_that_is_not_there_is_named():
    with pytest.raises(MediaError, match="camera /dev/no-camera cannot be opened"):
        next(open_pictures("camera:/dev/no-camera", 1.0))


def test_a_camera_is_thinned_and_its_pictures_have_the_time_of_now(monkeypatch):
    """FFmpeg's test picture stands in for a camera: the same code reads both."""
    monkeypatch.setitem(sight.CAMERAS, sight.sys.platform, ("lavfi", ""))
    clock = ReplayClock()

    async def watch():
        shown = show("camera:testsrc=size=64x48:rate=30", 2.0, clock, fast=False)
        found = [await anext(shown)]
        clock.advance_to(700_000)
        found.append(await anext(shown))
        return found

    (first_us, first), (second_us, second) = asyncio.run(watch())
    assert (first_us, second_us) == (0, 700_000)
    # The test picture counts its seconds, so that half a second on it is another.
    assert first != second
    for encoded in (first, second):
        assert PIL.Image.open(io.BytesIO(encoded)).size == (64, 48)


@pytest.mark.parametrize("platform", ["win32", "plan9"])
def test_where_no_camera_is_known_by_itself_a_name_is_asked_for(platform, monkeypatch):
    monkeypatch.setattr(sight.sys, "platform", platform)
    with pytest.raises(ConfigError, match="name one"):
        next(open_pictures("camera", 1.0))
