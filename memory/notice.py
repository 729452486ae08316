"""What a memory has to say of itself: it is logged, counted, and told to who listens."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from streams.events import MemoryReported

Notify: TypeAlias = Callable[[MemoryReported], None]
"""Called on whichever thread it happens; must not block."""


def ignore(notice: MemoryReported) -> None:
    """For a memory that nobody listens to; what it reports is in the log all the same."""
