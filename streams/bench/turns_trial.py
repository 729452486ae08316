"""One utterance heard in every mode of turn-taking, on the code that runs live and on a virtual clock.

Voice activity is computed once and played back. What the models say of a pause is computed when a mode
first gets there; it depends on where the utterance began, and no mode can change what came before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from speech.asr import Recognizer
from speech.audio import Rechunker
from speech.finished import finished
from speech.listener import Listener
from speech.patience import Patience
from speech.segmenter import SegmenterConfig, SpeechPaused, SpeechStarted, SpeechStopped
from speech.streaming import StreamingRecognizer
from speech.turn import TurnDetector
from speech.vad import VAD_RATE, WINDOW_SAMPLES, VoiceDetector
from streams.conversation import Eagerness
from streams.types import US_PER_MS, US_PER_S, AudioChunk, Samples


@dataclass(frozen=True, slots=True)
class Mode:
    """How turns end: after ``silence_ms`` always, or with the patience of an eagerness."""

    name: str
    silence_ms: int
    patience: Patience | None = None

    @classmethod
    def server_vad(cls, silence_ms: int) -> Mode:
        return cls(f"server_vad {silence_ms} ms", silence_ms)

    @classmethod
    def semantic_vad(cls, eagerness: Eagerness) -> Mode:
        patience = Patience(eagerness)
        return cls(f"semantic_vad {eagerness}", patience.longest_ms, patience)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long after a pause is noticed its evidence is there; both models run at once."""

    sound_ms: int
    words_ms: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the models say of a pause: ``sound`` by the turn detector, ``text`` by the recogniser."""

    sound: float
    text: str


@dataclass(frozen=True, slots=True)
class Ends:
    """Where turns were decided to have ended; ``open``: whether one still had not at the end of the sound."""

    at_us: tuple[int, ...]
    open: bool


class Trial:
    """``samples``: an utterance and silence after it, float32 at 16 kHz. Not thread-safe."""

    def __init__(
        self, samples: Samples, voice: VoiceDetector, turn: TurnDetector, recognizer: Recognizer
    ) -> None:
        self._samples = samples
        self._turn = turn
        self._recognizer = recognizer
        self._windows = Rechunker(WINDOW_SAMPLES, VAD_RATE).push(samples)
        self._probabilities = [voice.push(window.samples) for window in self._windows]
        self._streams: dict[int, StreamingRecognizer] = {}
        self.evidence: dict[tuple[int, int], Evidence] = {}
        """By the start of the utterance and the pause, in us."""

    def run(self, mode: Mode, pace: Pace) -> Ends:
        listener = Listener(
            _Recorded(self._probabilities), SegmenterConfig(silence_duration_ms=mode.silence_ms)
        )
        ends: list[int] = []
        start_us = 0
        due: list[tuple[int, int, int]] = []
        for window in self._windows:
            while due and due[0][0] <= window.pts_us:
                _, wait_ms, pause_us = due.pop(0)
                listener.wait_for(wait_ms, pause_us)
            for item in listener.push(window.samples, VAD_RATE):
                match item:
                    case SpeechStarted(at_us=at_us):
                        start_us = at_us
                    case SpeechPaused(at_us=pause_us) if mode.patience is not None:
                        evidence = self._heard(start_us, pause_us, window.end_us)
                        due = list(_waits(mode.patience, evidence, pause_us, window.end_us, pace))
                    case SpeechStopped(at_us=at_us):
                        ends.append(at_us)
        return Ends(tuple(ends), listener.open)

    def _heard(self, start_us: int, pause_us: int, now_us: int) -> Evidence:
        known = self.evidence.get((start_us, pause_us))
        if known is not None:
            return known
        begin, end = (us * VAD_RATE // US_PER_S for us in (start_us, now_us))
        stream = self._streams.setdefault(start_us, StreamingRecognizer(self._recognizer))
        heard = stream.end_us * VAD_RATE // US_PER_S or begin
        stream.append(AudioChunk(heard * US_PER_S // VAD_RATE, VAD_RATE, self._samples[heard:end]))
        tentative = stream.hypothesize().tentative
        text = " ".join([*(word.text for word in stream.confirmed), tentative])
        evidence = Evidence(self._turn.complete(self._samples[begin:end]), text)
        self.evidence[start_us, pause_us] = evidence
        return evidence


def _waits(
    patience: Patience, evidence: Evidence, pause_us: int, now_us: int, pace: Pace
) -> Iterator[tuple[int, int, int]]:
    """When each piece of evidence is there (us), the silence to wait for then, and the pause."""
    sound, words = evidence.sound, finished(evidence.text)
    first, second = sorted(((pace.sound_ms, sound, None), (pace.words_ms, None, words)), key=lambda x: x[0])
    yield now_us + first[0] * US_PER_MS, patience.wait_ms(*first[1:]), pause_us
    yield now_us + second[0] * US_PER_MS, patience.wait_ms(sound, words), pause_us


class _Recorded:
    """A voice detector that says again what one said."""

    def __init__(self, probabilities: Sequence[float]) -> None:
        self._left = iter(probabilities)

    def push(self, window: Samples) -> float:
        return next(self._left)

    def reset(self) -> None:
        """Nothing is remembered but the place in the recording."""
