"""Sound files as a microphone would give them, and answers into a file."""

import asyncio

import numpy as np
import pytest

from speech.audio import write_wav
from streams.client import WIRE_RATE
from streams.errors import ConfigError, MediaError
from streams.talk.player import Player
from streams.talk.sound import PIECE_SAMPLES, WavSpeaker, play_file, read_sound
from tests.wav import read_wav


def tone(seconds, rate):
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


@pytest.mark.parametrize("rate", [8_000, 24_000, 44_100])
def test_sound_of_any_rate_comes_in_whole_pieces_and_none_of_it_is_lost(rate, tmp_path):
    write_wav(tmp_path / "tone.wav", tone(1.01, rate), rate)
    pieces = list(read_sound(str(tmp_path / "tone.wav")))
    assert {len(piece) for piece in pieces} == {PIECE_SAMPLES}
    samples = np.concatenate(pieces)
    assert round(1.01 * WIRE_RATE) <= len(samples) + 2
    spectrum = np.abs(np.fft.rfft(samples[:WIRE_RATE]))
    assert abs(int(spectrum.argmax()) - 440) <= 1


def test_what_has_no_sound_is_named(models):
    film = next(models.resolve("sample").path.rglob("bikes.mp4"))
    with pytest.raises((ConfigError, MediaError)) as raised:
        list(read_sound(str(film)))
    assert "bikes.mp4" in raised.value.message


def test_fast_waits_for_nothing(tmp_path):
    write_wav(tmp_path / "tone.wav", tone(30, WIRE_RATE), WIRE_RATE)

    async def count():
        return len([piece async for piece in play_file(str(tmp_path / "tone.wav"), fast=True)])

    assert asyncio.run(asyncio.wait_for(count(), 25)) == 30 * WIRE_RATE // PIECE_SAMPLES


def test_answers_are_written_without_the_silence_between_them(tmp_path):
    player, path = Player(WIRE_RATE), tmp_path / "answers.wav"
    speaker = WavSpeaker(player, path)

    async def play():
        playing = asyncio.create_task(speaker.run(fast=True))
        for item in ("first", "second"):
            player.put(item, tone(0.8, WIRE_RATE))
            while player.playing:  # noqa: ASYNC110 - as a sound card would empty it
                await asyncio.sleep(0.01)
        playing.cancel()

    asyncio.run(play())
    speaker.close()
    samples, rate = read_wav(path)
    assert (len(samples), rate) == (2 * round(0.8 * WIRE_RATE), WIRE_RATE)
    np.testing.assert_allclose(samples[: len(samples) // 2], tone(0.8, WIRE_RATE), atol=1e-4)


def test_a_pause_writes_nothing(tmp_path):
    player = Player(WIRE_RATE)
    speaker = WavSpeaker(player, tmp_path / "answers.wav")

    async def play():
        player.put("reply", tone(0.8, WIRE_RATE))
        player.hold()
        playing = asyncio.create_task(speaker.run(fast=True))
        await asyncio.sleep(0.1)
        playing.cancel()

    asyncio.run(play())
    speaker.close()
    assert not len(read_wav(tmp_path / "answers.wav")[0])
