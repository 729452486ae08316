"""What a server saw since it started."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    sessions: int = 0
    refused: int = 0
    slow_clients: int = 0
    frames_dropped: int = 0
