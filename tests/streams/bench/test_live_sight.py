"""The table, what is refused, and the pace of the camera; conversations in real time are the bench itself."""

import argparse
import asyncio

import pytest

from streams.bench.caller import Caller
from streams.bench.exchange import Exchange
from streams.bench.live_sight import Talk, add_arguments, report, run
from streams.errors import ConfigError


def exchange(waited_s):
    return Exchange("What?", voice_end_s=10.0, arrived_s={"first_audio": 10 + waited_s, "first_token": 10.1})


def test_frames_and_waits_are_in_one_row():
    talk = Talk(5.0, 50, 48, 2, 10.0, [exchange(0.5), exchange(0.7), Exchange("unheard")])
    (row,) = report([talk]).rows
    assert (row["frames_sent"], row["frames_read"], row["frames_dropped"]) == (50, 48, 2)
    assert row["read_fps"] == 4.8
    assert row["answers"] == 2
    assert row["p50_ms"] == pytest.approx(600)
    assert row["first_token_ms"] == pytest.approx(100)


@pytest.mark.parametrize("words", [["--fps", "0"], ["--fps", "2", "-1"], ["--questions", "0"]])
def test_numbers_that_cannot_be_are_refused(words, config):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    with pytest.raises(ConfigError, match="must be above 0"):
        run(parser.parse_args(words), config)


def test_a_camera_shows_its_pictures_at_its_pace():
    """On a clock that does not wait: so many pictures, so far apart on the client's clock."""
    sent = []

    class Sink:
        async def append_frame(self, picture, at_ms):
            sent.append((picture, at_ms))
            if len(sent) == 7:
                raise EnoughError

    caller = Caller()
    caller._clock = Standing()
    with pytest.raises(EnoughError):
        asyncio.run(caller._camera(Sink(), [b"a", b"b", b"c"], 5.0))
    assert sent == [(picture, 200 * number) for number, picture in enumerate([b"a", b"b", b"c"] * 2 + [b"a"])]
    assert caller.frames_sent == 6


class EnoughError(Exception):
    pass


class Standing:
    async def sleep_until(self, at_us):
        pass
