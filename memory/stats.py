"""What a memory holds, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MemoryStats:
    """Blocks in all (sinks aside) and bytes by tier; ``ram_bytes`` counts the index too.

    ``unwritten`` blocks wait for the disk; ``forgotten`` and ``damaged`` ones are gone. ``disk_reads``
    counts blocks that were handed back and were not in RAM.
    """

    blocks: int
    device_bytes: int
    ram_bytes: int
    disk_bytes: int
    forgotten: int
    damaged: int
    unwritten: int
    disk_reads: int
