"""Whether the service behind a server can take one more session."""

from __future__ import annotations

from collections.abc import Callable, Mapping


class Load:
    """Says when there is too much to do.

    The measure is the wait for a model, which is what sessions feel of each other, and not how many
    there are: one that watches a street all day costs less than one that talks.
    """

    def __init__(self, waits_s: Callable[[], Mapping[str, float]], max_wait_ms: int) -> None:
        """``waits_s`` says how long work has to wait for each of the threads that run models."""
        self._waits_s = waits_s
        self._max_wait_ms = max_wait_ms

    def excess(self) -> str | None:
        """What is waited for too long, for people; None when there is room."""
        waits_s = self._waits_s()
        name = max(waits_s, key=lambda each: waits_s[each], default=None)
        if name is None or waits_s[name] * 1_000 <= self._max_wait_ms:
            return None
        limit_s = self._max_wait_ms / 1_000
        return f"work for {name} waits {waits_s[name]:.1f} s, and {limit_s:g} s is the most for a new session"
