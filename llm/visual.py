"""Pictures in a language model's own space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from torch import Tensor

from streams.types import Embedding, Frame


@dataclass(frozen=True, slots=True, eq=False)
class VisualTokens:
    """What one picture became: ``embeddings`` [tokens, hidden] stand where token embeddings would.

    ``grid`` is (height, width) in tokens for models whose positions have a row each for time, height and
    width. ``deep`` [layers, tokens, hidden] is added to the hidden states after each of the first layers
    (DeepStack, Meng et al. 2024; Qwen3-VL). ``text`` says in words what is surely seen, "" when nothing is:
    what people read. ``likely`` names what is seen less surely, and recall by meaning compares both: a moment
    whose name was in doubt can be found by it all the same. ``places`` says which of a whole picture's tokens
    these are, in order, where some were left out; None for all of them.
    """

    embeddings: Tensor
    grid: tuple[int, int] | None = None
    deep: Tensor | None = None
    text: str = ""
    likely: str = ""
    places: tuple[int, ...] | None = None

    def some(self, places: Sequence[int]) -> VisualTokens:
        """Only the tokens at ``places`` of this whole picture, in order."""
        assert self.places is None, "tokens were left out of it already"
        chosen = list(places)
        deep = None if self.deep is None else self.deep[:, chosen]
        return replace(self, embeddings=self.embeddings[chosen], deep=deep, places=tuple(chosen))


def in_words(shown: str | VisualTokens) -> str:
    """What people read of that which a model is shown; "" when nothing is sure."""
    return shown if isinstance(shown, str) else shown.text


@dataclass(frozen=True, slots=True)
class PictureMarks:
    """What a model's chat format puts around a picture; ``token`` stands once for each visual token."""

    before: str
    token: str
    after: str


class Eye(Protocol):
    """Makes visual tokens. Stateless: shared by every session; used on one thread."""

    @property
    def speaks(self) -> bool:
        """Whether it also says in words what a frame shows."""
        ...

    def look(self, frames: Sequence[Frame], features: Sequence[Embedding]) -> list[VisualTokens]:
        """One for each frame, in order; batched equals one by one.

        ``features`` are the frame encoder's of the same frames; an eye with a tower of its own has no use
        for them.
        """
        ...
