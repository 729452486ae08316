"""What a client sent lately, for some of it may not have arrived."""

from __future__ import annotations

from collections import deque


class Backlog:
    """Messages numbered from 0, the newest ``bound_bytes`` of them (text counts as its characters)."""

    def __init__(self, bound_bytes: int) -> None:
        self._bound_bytes = bound_bytes
        self._kept: deque[str | bytes] = deque()
        self._size_bytes = 0
        self._end = 0

    @property
    def _start(self) -> int:
        return self._end - len(self._kept)

    def has_room(self, message: str | bytes) -> bool:
        """Whether ``message`` can be kept with all that are; the first always can."""
        return not self._kept or self._size_bytes + len(message) <= self._bound_bytes

    def append(self, message: str | bytes) -> None:
        """Keep ``message``; where there is no room, the oldest are kept no longer."""
        while not self.has_room(message):
            self._size_bytes -= len(self._kept.popleft())
        self._kept.append(message)
        self._size_bytes += len(message)
        self._end += 1

    def missing(self, arrived: int) -> int:
        """Of the messages from number ``arrived`` on, how many are not kept any more."""
        return max(self._start - arrived, 0)

    def after(self, arrived: int) -> list[str | bytes]:
        """The messages from number ``arrived`` on, as far as they are kept."""
        return list(self._kept)[max(arrived - self._start, 0) :]
