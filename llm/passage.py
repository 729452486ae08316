"""A piece of what a model reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llm.visual import VisualTokens
from memory.block import Grid


@dataclass(frozen=True, slots=True)
class Passage:
    """Token ids of one block; ``start:end`` is what it says, without time and chat marks.

    Where it shows a picture, ``start:end`` are as many placeholders as ``visual`` has tokens: the model
    reads those in their place.
    """

    ids: tuple[int, ...]
    start: int
    end: int
    visual: VisualTokens | None = None

    def __post_init__(self) -> None:
        shown = self.visual
        assert shown is None or len(shown.embeddings) == self.end - self.start, "a placeholder for each token"

    @property
    def likely(self) -> str:
        """What is seen in its picture less surely."""
        return "" if self.visual is None else self.visual.likely

    @property
    def grid(self) -> Grid | None:
        """Where its picture's tokens lie, in models whose positions know rows and columns."""
        if self.visual is None or self.visual.grid is None:
            return None
        grid = Grid(self.start, *self.visual.grid, self.visual.places or ())
        assert grid.end == self.end, "a token for each place"
        return grid

    @property
    def span(self) -> int:
        """Positions that it takes."""
        grid = self.grid
        return self.tokens if grid is None else self.tokens - grid.tokens + grid.span

    @property
    def extent(self) -> int:
        """What it takes of a model's length: positions, or tokens where these are more."""
        return max(self.tokens, self.span)

    @classmethod
    def of(cls, ids: Sequence[int]) -> Passage:
        """Bare token ids, all of which say something."""
        return cls(tuple(ids), 0, len(ids))

    @property
    def tokens(self) -> int:
        return len(self.ids)
