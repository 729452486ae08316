"""Where a client's sound comes from, and where that of answers goes."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np

from speech.audio import Rechunker, Resampler, float_to_pcm16
from streams.client import WIRE_RATE
from streams.clock import WallClock
from streams.errors import ConfigError
from streams.talk.player import Player
from streams.types import US_PER_MS, US_PER_S, AudioChunk, Samples
from video.decode import MediaReader
from video.track import AUDIO_RATE

PIECE_MS = 40
PIECE_SAMPLES = WIRE_RATE * PIECE_MS // 1_000
SILENCE = np.zeros(PIECE_SAMPLES, np.float32)


def read_sound(source: str) -> Iterator[Samples]:
    """The sound of a file or URL in pieces of ``PIECE_MS`` at the wire's rate, gaps filled with silence.

    Raises MediaError, also on the way.
    """
    with MediaReader(source, require_video=False) as reader:
        if not reader.info.has_audio:
            raise ConfigError(f"{reader.name} has no sound", param="--audio")
        resampler, pieces = Resampler(AUDIO_RATE, WIRE_RATE), Rechunker(PIECE_SAMPLES, WIRE_RATE)
        at_us = 0
        for chunk in reader:
            if isinstance(chunk, AudioChunk):
                gap = np.zeros(max(chunk.pts_us - at_us, 0) * AUDIO_RATE // US_PER_S, np.float32)
                at_us = chunk.end_us
                yield from _samples(pieces.push(resampler.push(np.concatenate([gap, chunk.samples]))))
        yield from _samples([*pieces.push(resampler.flush()), *pieces.flush()])


def _samples(chunks: list[AudioChunk]) -> Iterator[Samples]:
    return (chunk.samples for chunk in chunks)


async def play_file(source: str, *, fast: bool) -> AsyncIterator[Samples]:
    """The sound of ``source`` as a microphone would give it: in real time unless ``fast``."""
    clock, pieces, at_us = WallClock(), read_sound(source), 0
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        at_us += PIECE_MS * US_PER_MS
        if not fast:
            await clock.sleep_until(at_us)
        yield piece


class WavSpeaker:
    """Plays to a WAV file what a person would hear of answers, without the silence between them."""

    def __init__(self, player: Player, path: Path) -> None:
        """Raises ConfigError when the file cannot be written."""
        self._player = player
        try:
            self._raw = path.open("wb")
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {error.strerror}", param="--out") from None
        self._file = wave.Wave_write(self._raw)
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(player.rate)

    async def run(self, *, fast: bool) -> None:
        """Play at the speed of sound, or unless anything waits, as soon as it comes, until cancelled."""
        clock, at_us = WallClock(), 0
        while True:
            at_us += PIECE_MS * US_PER_MS
            await clock.sleep_until(at_us)
            self._play()
            while fast and self._player.playing and not self._player.held:
                self._play()

    def _play(self) -> None:
        if self._player.playing and not self._player.held:
            self._file.writeframes(float_to_pcm16(self._player.pull(PIECE_SAMPLES)))

    def close(self) -> None:
        self._file.close()
        self._raw.close()
