"""What the parts of one running session share."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.live.live import Emit, Follow
from gateway.live.tasks import Tasks
from streams.clock import Clock, ReplayClock


@dataclass(frozen=True, slots=True)
class SessionScope:
    """``tasks`` are awaited when the session ends; ``emit`` tells its client, ``follow`` carries out."""

    clock: Clock
    tasks: Tasks
    emit: Emit
    follow: Follow

    @property
    def in_order(self) -> bool:
        """On media time nobody waits, and what a machine manages meanwhile must not matter."""
        return isinstance(self.clock, ReplayClock)
