"""How long it takes to find moments of hours and load them, cold, against reading the stream again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from llm.steps import run
from llm.stream import Stream
from memory.block import Block
from memory.recall.policy import Query
from streams.bench.cold import drop_file_cache
from streams.bench.hours import Simulation
from streams.types import US_PER_S

QUERY_NOISE = 0.5
"""Of the digests' spread: far enough from a block that not the same few come for every query."""

READINGS = 7


@dataclass(frozen=True, slots=True)
class Lookups:
    """Milliseconds of each look-up: the search and the load of what it found, from disk, together."""

    total_ms: tuple[float, ...]
    blocks: int
    found: float
    """Blocks handed back by a look-up, on average."""
    from_disk: float
    """Of these, the share that was not in RAM."""
    reread_moments_ms: float
    """Reading what one look-up hands back again with the model, instead."""
    reread_stream_ms: float
    """Reading the whole stream again with the model: the time of a frame, times its frames."""

    def percentile(self, percent: float) -> float:
        return float(np.percentile(self.total_ms, percent))


def look_up(
    stream: Stream, folder: Path, frames: Sequence[Block], lookups: int, advance: Callable[[int], None]
) -> Lookups:
    """Time ``lookups`` recalls out of ``stream``'s memory, kept in ``folder``, of which no file is cached.

    Queries are made from the digests of ``frames`` that the stream is made of.
    """
    memory = stream.memory
    memory.flush()
    simulation = Simulation(frames, seed=1)
    total_ms, found, loaded = [], 0, 0
    moments: Sequence[str] = ()
    for number in range(lookups):
        query = _query(frames[number % len(frames)], number * US_PER_S, simulation)
        if number % 10 == 0:
            drop_file_cache(folder)
        before = memory.stats().disk_reads
        start = time.perf_counter()
        recalled = memory.recall(query)
        total_ms.append((time.perf_counter() - start) * 1e3)
        found += len(recalled.blocks)
        loaded += memory.stats().disk_reads - before
        moments = [block.info.text for block in recalled.blocks] or moments
        memory.settle()  # questions are seconds apart: what is fetched beforehand is there by then
        advance(1)
    frame_ms = _reading_ms(stream, [frames[0].info.text])
    return Lookups(
        tuple(total_ms),
        memory.sealed_count,
        found / lookups,
        loaded / max(found, 1),
        _reading_ms(stream, moments),
        frame_ms * memory.sealed_count,
    )


def _query(frame: Block, at_us: int, simulation: Simulation) -> Query:
    """What a question about something like ``frame`` may look for."""
    digest = simulation.near(frame.digest, QUERY_NOISE).float().mean(1).numpy()
    embedding = None
    if frame.embedding is not None:
        embedding = simulation.near(frame.embedding, QUERY_NOISE).float().numpy()
    return Query(at_us, digest, embedding)


def _reading_ms(stream: Stream, texts: Sequence[str]) -> float:
    """Reading ``texts`` one after another as they come in, the best of some times; kept by nobody."""
    reader = stream.reader
    context = reader.backbone.new_context()
    best = float("inf")
    for _ in range(READINGS):
        start = time.perf_counter()
        for text in texts:
            passage = reader.chat.sight(0, text)
            reader.assemble(context, [stream.sinks, *stream.memory.recent()], len(passage.ids))
            run(reader.prefill([passage], context))
        best = min(best, time.perf_counter() - start)
    return best * 1e3
