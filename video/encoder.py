"""The contract of a frame encoder: pictures in, what was seen out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from streams.types import Embedding, Frame


@dataclass(frozen=True, slots=True, eq=False)
class FrameFeatures:
    """What one look at an entire frame gives: an ``embedding``, which eyes look at, and class probabilities.

    ``probabilities`` is float32 [classes]: the first of what the frame is named by.
    """

    embedding: Embedding
    probabilities: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Label:
    """A name the encoder is confident of. ``region`` says where ("left", …); "" is the whole frame."""

    name: str
    confidence: float
    region: str = ""


Labels: TypeAlias = tuple[Label, ...]
"""What a frame shows, most confident first; () when the encoder is not sure of anything."""


def names(labels: Labels) -> str:
    """``labels`` as the language model reads them; "" when there are none."""
    return ", ".join(
        f"{label.name} on the {label.region}" if label.region else label.name for label in labels
    )


class Encoder(Protocol):
    """Stateless: may be shared by every session. Runs on an engine thread.

    Both give one result for each frame, in order; batched equals one by one.
    """

    name: str

    def features(self, frames: Sequence[Frame]) -> list[FrameFeatures]:
        """One look at each frame, whatever is made of it."""
        ...

    def label(self, frames: Sequence[Frame], features: Sequence[FrameFeatures]) -> list[Labels]:
        """Name what ``frames`` show, of which ``features`` are. It may take more looks at each."""
        ...
