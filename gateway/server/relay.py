"""The events of a session that is only being opened."""

from __future__ import annotations

from gateway.live.live import Emit
from streams.events import Event


class Relay:
    """Is told of events; keeps them until there is somebody to pass them to."""

    def __init__(self) -> None:
        self._early: list[Event] = []
        self._to: Emit | None = None

    def emit(self, event: Event) -> None:
        if self._to is None:
            self._early.append(event)
        else:
            self._to(event)

    def pass_to(self, emit: Emit) -> None:
        """From now on to ``emit``, first of all what came before."""
        self._to = emit
        early, self._early = self._early, []
        for event in early:
            emit(event)
