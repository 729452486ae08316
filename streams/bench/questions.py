"""What simulated users ask and show, and how they interrupt."""

from __future__ import annotations

import tempfile
from pathlib import Path

from streams.bench.caller import FRAMES_PER_S
from streams.config import ModelsConfig
from streams.sample import make_sample_video, sample_media
from streams.talk.sight import encode_jpeg, frames_of

QUESTIONS = (
    "What do you see now?",
    "Did you see a cat?",
    "What was in the cup?",
    "Can you tell me what the camera shows?",
    "What is two plus two?",
    "Was there a motorcycle in the picture?",
    "What colour is the sky on a clear day?",
    "Which animal did you see first?",
    "What is the capital of France?",
    "What was the last thing that you saw?",
)

LONG_QUESTIONS = (
    "Explain in detail how coffee is made.",
    "Tell me a long story about a cat and a motorcycle.",
    "Describe how a rocket gets into space.",
    "Tell me everything that you know about Paris.",
    "Explain to me how a camera works.",
)
"""Whose answers are long enough to be interrupted."""

INTERRUPTIONS = (
    "Wait, what do you see now?",
    "Stop, please. What is two plus two?",
    "Hold on, that is not what I asked.",
    "Excuse me, did you see a cat?",
    "No, I meant the other one.",
    "Sorry, can I ask something else?",
    "Thank you, that is enough. What is the capital of Italy?",
    "Actually, tell me what the camera shows.",
    "Listen, which animal did you see first?",
    "Hang on a second, who said that?",
)


def sample_pictures(config: ModelsConfig, fps: float = FRAMES_PER_S) -> list[bytes]:
    """The sample film as a client's camera sends it: JPEGs at ``fps``. Raises ModelError."""
    media = sample_media(config)
    with tempfile.TemporaryDirectory() as folder:
        video = make_sample_video(media, Path(folder) / "sample.mp4").path
        return [encode_jpeg(frame.image) for frame in frames_of(video, fps)]
