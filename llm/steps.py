"""Work on the engine thread that others are served in between of."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

Result = TypeVar("Result")


def run(steps: Generator[None, None, Result]) -> Result:
    """Run ``steps`` to the end without yielding to others, and return its result."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: Result = stop.value
            return result
