"""What a client was told lately, for its socket may have dropped before it arrived."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Replay:
    """What a client that came back is told again, in order, and how much sound that holds.

    ``gap``: what came before it is lost.
    """

    messages: tuple[str, ...]
    sound_us: int
    gap: bool


class EventLog:
    """Messages by the ids of their events, bounded in bytes (they are ASCII); the oldest leave first.

    ``before`` is the id of the event that was told just before the first.
    """

    def __init__(self, bound_bytes: int, before: str) -> None:
        self._bound_bytes = bound_bytes
        self._kept: OrderedDict[str, tuple[str, int]] = OrderedDict()
        self._size_bytes = 0
        self._before = {before}

    @property
    def size_bytes(self) -> int:
        return self._size_bytes

    def append(self, event_id: str, message: str, sound_us: int = 0) -> None:
        self._kept[event_id] = message, sound_us
        self._size_bytes += len(message)
        while self._size_bytes > self._bound_bytes:
            self._before = {self._drop_oldest()}

    def replay(self, after: str) -> Replay:
        """What followed the event ``after``, which with all before it has arrived and is let go.

        Where ``after`` is not known any more, that is all that is kept.
        """
        if after in self._kept:
            while self._drop_oldest() != after:
                pass
            self._before = {after}
        kept = self._kept.values()
        return Replay(
            messages=tuple(message for message, _ in kept),
            sound_us=sum(sound_us for _, sound_us in kept),
            gap=after not in self._before,
        )

    def precede(self, event_id: str) -> None:
        """The event ``event_id``, which is not kept, is told just before those that are."""
        self._before.add(event_id)

    def _drop_oldest(self) -> str:
        event_id, (message, _) = self._kept.popitem(last=False)
        self._size_bytes -= len(message)
        return event_id
