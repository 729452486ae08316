"""The contract of a frame encoder: pictures in, what was seen out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from streams.types import Embedding, Frame


@dataclass(frozen=True, slots=True)
class Label:
    """A name the encoder is confident of. ``region`` says where ("left", …); "" is the whole frame."""

    name: str
    confidence: float
    region: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one frame showed: names, most confident first, and its features, which eyes look at."""

    pts_us: int
    labels: tuple[Label, ...]
    features: Embedding

    @property
    def text(self) -> str:
        """The names as the language model reads them; "" when the encoder is not sure of anything."""
        return ", ".join(
            f"{label.name} on the {label.region}" if label.region else label.name for label in self.labels
        )


class Encoder(Protocol):
    """Stateless: may be shared by every session. Runs on an engine thread."""

    name: str

    def encode(self, frames: Sequence[Frame]) -> list[Sighting]:
        """One sighting for each frame, in order; batched equals one by one."""
        ...
