"""The contract of what a server's sessions run on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class Service(Protocol):
    """What a server asks of the service itself, rather than of one session. Called on any thread."""

    def worker_waits_s(self) -> Mapping[str, float]:
        """How long work has to wait for each of the threads that run models."""
        ...

    def memory_bytes(self) -> Mapping[str, int]:
        """What all sessions' memories take, by tier. Raises MemoryStoreError when it cannot be told."""
        ...

    def check_writable(self) -> None:
        """Raises MemoryStoreError unless memory can be written where it is kept."""
        ...
