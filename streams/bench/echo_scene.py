"""What a microphone hears of three replies in a room, and of a user who interrupts one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from speech.asr import ASR_RATE
from speech.audio import resample
from speech.tts import Synthesizer
from streams.bench.echo_room import Room
from streams.bench.noise import make_noise
from streams.bench.sentences import SENTENCES
from streams.types import US_PER_MS, US_PER_S, AudioChunk, Samples

REPLIES = 3
INTERRUPTIONS = (
    "Wait a moment, what about the other one?",
    "Stop, please stop.",
    "No, that is not what I meant.",
    "Hold on, can you say that again?",
    "Sorry, I have another question.",
    "That is enough, thank you.",
)
CHUNK_MS = 100
BEFORE_MS, BETWEEN_MS = 1_000, 1_500
INTO_REPLY_MS = (800, 1_500)
PITCH = 0.85
"""Of the user's voice, so that it is not the session's own."""
NOISE_DB = (-70.0, -50.0)


@dataclass(frozen=True, slots=True)
class Scene:
    """``heard``: float32 at 16 kHz. ``user_us``: where the user talks, if one does."""

    room: Room
    played: tuple[AudioChunk, ...]
    heard: Samples
    user_us: tuple[int, int] | None


class Stage:
    """Makes scenes; the same for the same arguments."""

    def __init__(self, synthesizer: Synthesizer) -> None:
        self._rate = synthesizer.rate
        self._replies = [synthesizer.synthesize(text) for text in SENTENCES]
        self._users = [self._as_user(synthesizer.synthesize(text)) for text in INTERRUPTIONS]

    def scene(self, rng: np.random.Generator, over_db: float | None = None, reply: int = 0) -> Scene:
        """A room and replies drawn by ``rng``; a user ``over_db`` above the echo talks into ``reply``."""
        room = Room.draw(rng)
        chosen = [self._replies[at] for at in rng.choice(len(self._replies), REPLIES, replace=False)]
        starts, sound = self._in_a_row(chosen)
        played = resample(sound, self._rate, ASR_RATE)
        echo = room.echo(played)
        level = np.sqrt(np.mean(echo[np.abs(echo) > 1e-3 * np.abs(echo).max()] ** 2))
        heard = echo + 10 ** (rng.uniform(*NOISE_DB) / 20) * make_noise("pink", len(echo), rng)
        user = self._users[rng.integers(len(self._users))]
        late_ms = room.delay_ms + rng.uniform(*INTO_REPLY_MS)
        span = None
        if over_db is not None:
            begin = starts[reply] * ASR_RATE // self._rate + int(late_ms * ASR_RATE / 1_000)
            end = min(begin + len(user), len(heard))
            heard[begin:end] += user[: end - begin] * level * 10 ** (over_db / 20)
            span = begin * US_PER_S // ASR_RATE, end * US_PER_S // ASR_RATE
        chunks = tuple(self._chunks(sound))
        return Scene(room, chunks, heard.astype(np.float32), span)

    def _in_a_row(self, replies: Sequence[Samples]) -> tuple[list[int], Samples]:
        """Where each begins, and all of them with pauses around."""
        before, between = (np.zeros(self._rate * ms // 1_000, np.float32) for ms in (BEFORE_MS, BETWEEN_MS))
        starts, parts, count = [], [before], len(before)
        for reply in replies:
            starts.append(count)
            parts += [reply, between]
            count += len(reply) + len(between)
        return starts, np.concatenate(parts)

    def _chunks(self, sound: Samples) -> Iterator[AudioChunk]:
        """As they are sent; nothing is where nothing is said."""
        size = self._rate * CHUNK_MS // 1_000
        for number, at in enumerate(range(0, len(sound), size)):
            if sound[at : at + size].any():
                yield AudioChunk(number * CHUNK_MS * US_PER_MS, self._rate, sound[at : at + size])

    def _as_user(self, sound: Samples) -> Samples:
        voice = resample(sound, round(self._rate * PITCH), ASR_RATE)
        loud = np.flatnonzero(np.abs(voice) > 0.02 * np.abs(voice).max())
        voice = voice[loud[0] : loud[-1] + 1]
        return np.asarray(voice / np.sqrt(np.mean(voice**2)), np.float32)
