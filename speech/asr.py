"""The contract of a speech recogniser that hears a whole buffer at once."""

from __future__ import annotations

from typing import Protocol

from streams.types import Samples, Transcript

ASR_RATE = 16_000


class Recognizer(Protocol):
    """Stateless: may be shared by every session. Runs on an engine thread."""

    name: str

    def transcribe(self, samples: Samples, *, start_us: int = 0, prompt: str = "") -> Transcript:
        """The words in ``samples`` (float32, 16 kHz, at most 30 s), with times from ``start_us`` on.

        ``prompt`` is text that came before, for continuity. Silence and noise give no words.
        """
        ...
