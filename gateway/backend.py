"""The models of one process, loaded once and shared by every session, and the threads they run on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from llm.reader import Reader
from llm.visual import VisualTokens
from memory.shape import MemoryShape
from speech.asr import Recognizer
from speech.tts import Synthesizer
from speech.turn import TurnDetector
from speech.vad import VoiceDetector
from streams.pipeline import Worker
from streams.types import Frame
from video.encoder import Encoder, names


@dataclass(frozen=True, slots=True)
class Backend:
    """A thread for each kind of work, so that a slow one (recognition) does not hold up a quick one."""

    reader: Reader
    memory_shape: MemoryShape
    engine: Worker
    recognizer: Recognizer
    recognizer_worker: Worker
    new_detector: Callable[[], VoiceDetector]
    detector_worker: Worker
    turn_detector: TurnDetector
    turn_worker: Worker
    synthesizer: Synthesizer
    synthesizer_worker: Worker
    encoder: Encoder
    encoder_worker: Worker

    @property
    def workers(self) -> tuple[Worker, ...]:
        return (
            self.engine,
            self.recognizer_worker,
            self.detector_worker,
            self.turn_worker,
            self.synthesizer_worker,
            self.encoder_worker,
        )

    def see(self, frames: Sequence[Frame]) -> list[str | VisualTokens]:
        """What the model is shown of each frame: names, or visual tokens where it has an eye.

        Visual tokens that say nothing in words themselves get the names for their text; others need none,
        and the encoder looks at such a frame once. On the encoder's thread: an eye may take as long as an
        encoder, and answers are written meanwhile.
        """
        encoder, eye = self.encoder, self.reader.eye
        features = encoder.features(frames)
        if eye is None:
            return [names(labels) for labels in encoder.label(frames, features)]
        seen = eye.look(frames, [each.embedding for each in features])
        silent = [n for n, visual in enumerate(seen) if not visual.text]
        labelled = encoder.label([frames[n] for n in silent], [features[n] for n in silent])
        named = {n: names(labels) for n, labels in zip(silent, labelled, strict=True)}
        return [replace(visual, text=visual.text or named[n]) for n, visual in enumerate(seen)]

    def close(self) -> None:
        """Finish what runs and end the threads."""
        for worker in self.workers:
            worker.close()
