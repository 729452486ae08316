"""When something is said in time: within 2 s after it fell due.

Training, the bench of sight and benchmarks all go by the one rule that is here.
"""

from __future__ import annotations

from collections.abc import Sequence

from streams.types import US_PER_S

LATE_US = 2 * US_PER_S
"""How long after something fell due it may still be said; before that it is said too early."""


def matched(due_us: Sequence[int], spoken_us: Sequence[int]) -> list[tuple[int, int]]:
    """Places in ``due_us`` and in ``spoken_us`` that belong together, each in one pair at most.

    Each time due is met by the first time spoken from then on, if that is not above ``LATE_US`` later.
    """
    waiting = sorted(range(len(due_us)), key=lambda place: due_us[place])
    pairs = []
    for spoken in sorted(range(len(spoken_us)), key=lambda place: spoken_us[place]):
        at_us = spoken_us[spoken]
        reached = next((due for due in waiting if 0 <= at_us - due_us[due] <= LATE_US), None)
        if reached is not None:
            waiting.remove(reached)
            pairs.append((reached, spoken))
    return pairs
