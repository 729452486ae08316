"""What an answer answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """``text`` may be empty: the model then goes on from what it has read.

    ``unasked``: it then speaks up for a standing request, which it attends to, and is handed back moments
    that ``seeks`` is about.
    """

    text: str
    start_us: int
    end_us: int
    unasked: bool = False
    seeks: str = ""

    @property
    def sought(self) -> str:
        return self.text or self.seeks
