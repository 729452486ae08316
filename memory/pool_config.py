"""What a pool is given to run by."""

from __future__ import annotations

from dataclasses import dataclass

from memory.codec.codec import Codec
from memory.retention.policy import RetentionPolicy


@dataclass(frozen=True, slots=True)
class PoolConfig:
    """``durable``: every block is on disk soon, whether it fits in RAM or not."""

    ram_bytes: int
    disk_bytes: int
    codec: Codec
    retention: RetentionPolicy
    durable: bool
