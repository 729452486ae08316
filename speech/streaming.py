"""Streaming recognition by local agreement over a recogniser that hears whole buffers.

LocalAgreement-2 of Macháček, Dabre and Bojar (2023), "Turning Whisper into Real-Time Transcription
System": a word is confirmed when two consecutive hypotheses agree on it, and is never taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from speech.agreement import same_word, split_after
from speech.asr import ASR_RATE, Recognizer
from streams.errors import InvalidRequestError
from streams.types import US_PER_MS, US_PER_S, AudioChunk, Samples, Transcript, Word

HARD_LIMIT_S = 28.0
"""A recogniser hears 30 s at most, so past this a buffer is cut even where nothing was confirmed."""
KEPT_S = 5.0
PROMPT_CHARS = 200
TAIL_MS = 300
GAP_TOLERANCE_US = US_PER_MS


@dataclass(frozen=True, slots=True)
class Partial:
    """``confirmed``: the words that this hypothesis newly confirmed. ``tentative``: what may still change."""

    confirmed: tuple[Word, ...]
    tentative: str


class StreamingRecognizer:
    """One utterance. The caller runs the methods on an engine thread, one at a time."""

    def __init__(self, recognizer: Recognizer, *, max_buffer_s: float = 12.0) -> None:
        self._recognizer = recognizer
        self._max_buffer_s = max_buffer_s
        self._chunks: list[Samples] = []
        self._origin_us: int | None = None
        self._dropped = 0
        self._samples = 0
        self._heard_us: int | None = None
        self._confirmed: list[Word] = []
        self._kept = 0
        self._tentative: list[Word] = []

    @property
    def confirmed(self) -> tuple[Word, ...]:
        """Every word confirmed so far."""
        return tuple(self._confirmed)

    @property
    def words(self) -> tuple[Word, ...]:
        """Every word so far, those that may still change included."""
        return (*self._confirmed, *self._tentative)

    @property
    def end_us(self) -> int:
        """The end of the sound appended so far; 0 before the first."""
        return self._time_us(self._samples) if self._origin_us is not None else 0

    def covers(self, end_us: int) -> bool:
        """Whether the last hypothesis heard all sound up to ``end_us``, so that ``finish`` need not run."""
        return self._heard_us is not None and self._heard_us >= end_us

    def append(self, chunk: AudioChunk) -> None:
        """Add sound. Raises InvalidRequestError unless it is 16 kHz and follows on what came before."""
        if chunk.rate != ASR_RATE:
            raise InvalidRequestError(f"sound at {chunk.rate} Hz; {ASR_RATE} Hz is recognised", param="rate")
        if self._origin_us is None:
            self._origin_us = chunk.pts_us
        elif abs(chunk.pts_us - self.end_us) > GAP_TOLERANCE_US:
            raise InvalidRequestError(
                f"sound at {chunk.pts_us} us does not follow the sound up to {self.end_us} us", param="pts_us"
            )
        self._chunks.append(chunk.samples)
        self._samples += len(chunk.samples)

    def hypothesize(self) -> Partial:
        """Recognise the buffer. Without new sound since the last time nothing runs and nothing changes.

        Mutates what is confirmed (it only grows), and trims the buffer when it is longer than
        ``max_buffer_s``.
        """
        if self._heard_us == self.end_us or not self._samples:
            return Partial((), _text(self._tentative))
        known = len(self._confirmed)
        while self._samples > HARD_LIMIT_S * ASR_RATE:
            self._force()
        fresh = self._recognize(self._samples)
        pairs = zip(fresh, self._tentative, strict=False)
        agreed = len(list(takewhile(lambda pair: same_word(*pair), pairs)))
        if agreed == len(fresh) and agreed and any(map(str.isdigit, fresh[-1].text)):
            # A number at the edge may grow with the next word: "$12" and then "$12.50".
            agreed -= 1
        self._confirmed += fresh[:agreed]
        self._tentative = fresh[agreed:]
        if self._samples > self._max_buffer_s * ASR_RATE:
            self._trim()
        self._heard_us = self.end_us
        return Partial(tuple(self._confirmed[known:]), _text(self._tentative))

    def finish(self, end_us: int) -> Transcript:
        """The final transcript of speech that ended at ``end_us``; ends the utterance.

        A hypothesis that already heard all of the speech is taken as it is, and nothing runs: then only
        silence has come since.
        """
        if self._samples and not self.covers(end_us):
            while self._samples > HARD_LIMIT_S * ASR_RATE:
                self._force()
            tail_us = max(0, end_us + TAIL_MS * US_PER_MS - self._time_us(0))
            self._tentative = self._recognize(min(self._samples, tail_us * ASR_RATE // US_PER_S))
        transcript = Transcript(self.words)
        self._confirmed, self._tentative = list(transcript.words), []
        self._heard_us = self.end_us
        return transcript

    def _recognize(self, samples: int) -> list[Word]:
        """The words of the first ``samples`` of the buffer that come after the confirmed ones."""
        self._chunks = [np.concatenate(self._chunks)]
        before = " ".join(word.text for word in self._confirmed[: self._kept])
        words = self._recognizer.transcribe(
            self._chunks[0][:samples], start_us=self._time_us(0), prompt=before[-PROMPT_CHARS:]
        ).words
        fresh = words[split_after(self._confirmed[self._kept :], words) :]
        floor_us = self._confirmed[-1].end_us if self._confirmed else 0
        return [_not_before(floor_us, word) for word in fresh]

    def _trim(self) -> None:
        """Cut the buffer after the last confirmed sentence in it, else after the last confirmed word."""
        inside = self._confirmed[self._kept :]
        if not inside:
            return
        ends = [at for at, word in enumerate(inside, 1) if word.text[-1] in ".?!"]
        # The sentence confirmed last may yet go on, when its stop was heard in a pause for breath.
        cut = next((at for at in reversed(ends) if at < len(inside)), len(inside))
        following = inside[cut : cut + 1] or self._tentative[:1]
        end_us = inside[cut - 1].end_us
        self._drop(end_us if not following else (end_us + max(end_us, following[0].start_us)) // 2)
        self._kept += cut

    def _force(self) -> None:
        """Confirm all but the last ``KEPT_S`` of a buffer that grew too long, and cut it there."""
        limit = int(HARD_LIMIT_S * ASR_RATE)
        edge_us = self._time_us(limit) - int(KEPT_S * US_PER_S)
        words = self._recognize(limit)
        self._confirmed += takewhile(lambda word: word.end_us <= edge_us, words)
        self._tentative = []
        self._kept = len(self._confirmed)
        self._drop(
            max(edge_us - int(KEPT_S * US_PER_S), self._confirmed[-1].end_us if self._confirmed else 0)
        )

    def _drop(self, until_us: int) -> None:
        count = min(max(0, (until_us - self._time_us(0)) * ASR_RATE // US_PER_S), self._samples)
        self._dropped += count
        self._chunks = [np.concatenate(self._chunks)[count:]]
        self._samples -= count

    def _time_us(self, samples: int) -> int:
        """The time of a place in the buffer, counted from the first sample of all, so that none is lost."""
        assert self._origin_us is not None
        return self._origin_us + (self._dropped + samples) * US_PER_S // ASR_RATE


def _not_before(floor_us: int, word: Word) -> Word:
    start_us = max(floor_us, word.start_us)
    return Word(word.text, start_us, max(start_us, word.end_us))


def _text(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)
