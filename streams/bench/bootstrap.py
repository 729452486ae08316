"""Between what a figure lies: the bootstrap (Efron, 1979)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

DRAWS = 2_000

Item = TypeVar("Item")


def interval(
    groups: Sequence[Sequence[Item]], figure: Callable[[Sequence[Item]], float | None], seed: int = 0
) -> tuple[float | None, float | None]:
    """Between which ``figure`` lies in 95 % of draws of as many groups, each item with its group.

    Draws where there is no figure do not count; None where there is none at all.
    """
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(DRAWS if groups else 0):
        drawn = rng.integers(len(groups), size=len(groups))
        value = figure([item for number in drawn for item in groups[number]])
        if value is not None:
            values.append(value)
    if not values:
        return None, None
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)
