"""What finding blocks by their vectors costs, as a memory grows from minutes to a day of stream."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from memory.index.growing import IVF_FROM, GrowingIndex
from memory.index.vector_index import Ids, Vectors
from streams.bench.report import Column, Report

SIZES = (1_000, 10_000, 36_000, 100_000)
DIM, LAYERS = 192, 8
"""Of the embedded language model's digests."""

REPRESENTATIVES = 2
QUESTIONS = 60
CANDIDATES = 512
"""Vectors that recall asks each layer for."""

BEST = 8
RECENT = 600
"""Blocks of the last ten minutes, at one a second."""

SINGLY = 100
"""Blocks added one at a time before each size, which is timed; the others come in chunks."""

CHUNK = 500
BURST = 64
"""Blocks that retention removes together."""

Rng: TypeAlias = np.random.Generator


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured at ``blocks`` blocks. Times are over all layers together, of one question or block.

    ``train_s`` is all training up to here. ``recall8``: the share of the exact best 8 blocks' vectors that
    are found when 8 are asked for, and ``recall512`` of 512. ``search_cpu_ms`` is the searching thread's own
    time, at the median: what the search takes where nothing else runs.
    """

    blocks: int
    method: str
    train_s: float
    add_us: float
    search_p50_ms: float
    search_p95_ms: float
    search_cpu_ms: float
    recent_p50_ms: float
    remove_us: float
    recall8: float
    recall512: float
    mb: float


COLUMNS = (
    Column("blocks", "blocks", ",d"),
    Column("method", "method"),
    Column("train_s", "train s", ".1f"),
    Column("add_us", "add µs", ".0f"),
    Column("search_p50_ms", "search ms", ".2f"),
    Column("search_p95_ms", "p95", ".2f"),
    Column("search_cpu_ms", "CPU", ".2f"),
    Column("recent_p50_ms", "last 10 min", ".2f"),
    Column("remove_us", "remove µs", ".0f"),
    Column("recall8", "recall@8", ".3f"),
    Column("recall512", "@512", ".3f"),
    Column("mb", "MB", ".0f"),
)


def measure(
    sizes: Sequence[int] = SIZES, dim: int = DIM, layers: int = LAYERS, *, ivf_from: int = IVF_FROM
) -> list[Row]:
    """Add a synthetic stream to ``layers`` indexes as time goes on; measure at each of ``sizes`` blocks."""
    trainer = _Trainer()
    indexes = [GrowingIndex(dim, ivf_from=ivf_from, background=trainer) for _ in range(layers)]
    vectors = drifting_stream(max(sizes), dim)
    assert min(sizes) >= BURST, f"at least {BURST} blocks"
    rows, blocks = [], 0
    for size in sorted(sizes):
        singly = max(size - SINGLY, blocks)
        for start in range(blocks, singly, CHUNK):
            _add(indexes, vectors, start, min(start + CHUNK, singly))
        times = []
        for block in range(singly, size):
            before, trained = time.perf_counter(), trainer.seconds
            _add(indexes, vectors, block, block + 1)
            times.append(time.perf_counter() - before - (trainer.seconds - trained))
        blocks = size
        rows.append(_row(indexes, vectors[:size], trainer.seconds, float(np.median(times)) * 1e6))
    return rows


def report(rows: Sequence[Row], dim: int = DIM, layers: int = LAYERS) -> Report:
    return Report(
        "Finding blocks",
        COLUMNS,
        tuple(asdict(row) for row in rows),
        (
            f"{layers} indexes of {REPRESENTATIVES} vectors of {dim} a block; times are over all of them, "
            "one after the other on one thread.",
            "Synthetic: scenes of half a minute at 40 places that are come back to, all of it slowly "
            "drifting; each layer holds the same. Questions point half at something seen, half anywhere.",
            f"Searched for {CANDIDATES} vectors a layer, of all blocks and of the {RECENT} newest.",
        ),
    )


class _Trainer:
    """Runs jobs at once, and says how long they took."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, job: Callable[[], None]) -> None:
        start = time.perf_counter()
        job()
        self.seconds += time.perf_counter() - start


def _add(indexes: Sequence[GrowingIndex], vectors: Vectors, start: int, end: int) -> None:
    """Add blocks ``start:end``, whose ids start at 1."""
    ids = np.repeat(np.arange(start + 1, end + 1), REPRESENTATIVES)
    flat = vectors[start:end].reshape(len(ids), -1)
    for index in indexes:
        index.add(ids, flat)


def _row(indexes: Sequence[GrowingIndex], vectors: Vectors, train_s: float, add_us: float) -> Row:
    blocks = len(vectors)
    flat = vectors.reshape(-1, vectors.shape[2])
    asked = questions(flat, QUESTIONS)
    recent = np.arange(max(blocks - RECENT, 0) + 1, blocks + 1)
    everything, own = zip(*(_timed(indexes, query, None) for query in asked), strict=True)
    newest, _ = zip(*(_timed(indexes, query, recent) for query in asked), strict=True)
    exact = np.argsort(-(asked @ flat.T), axis=1)[:, :CANDIDATES] // REPRESENTATIVES + 1
    mb = sum(index.nbytes for index in indexes) / 1e6
    recall8, recall512 = (_recall(indexes[0], asked, exact[:, :best]) for best in (BEST, CANDIDATES))
    start = time.perf_counter()
    for index in indexes:
        index.remove(np.arange(1, BURST + 1))
    remove_us = (time.perf_counter() - start) * 1e6 / BURST
    _add(indexes, vectors, 0, BURST)
    return Row(
        blocks,
        indexes[0].method,
        train_s,
        add_us,
        float(np.percentile(everything, 50)),
        float(np.percentile(everything, 95)),
        float(np.percentile(own, 50)),
        float(np.percentile(newest, 50)),
        remove_us,
        recall8,
        recall512,
        mb,
    )


def _timed(indexes: Sequence[GrowingIndex], query: Vectors, allowed: Ids | None) -> tuple[float, float]:
    """Milliseconds to ask every layer: on the wall, and of this thread."""
    start, own = time.perf_counter(), time.thread_time()
    for index in indexes:
        index.search(query[None], CANDIDATES, allowed)
    return (time.perf_counter() - start) * 1e3, (time.thread_time() - own) * 1e3


def _recall(index: GrowingIndex, asked: Vectors, exact: Ids) -> float:
    """The share of the ``exact`` blocks [questions, k] that ``index`` finds among as many vectors."""
    found = index.search(asked, exact.shape[1])[1]
    shares = [len(set(mine) & set(best)) / len(set(best)) for mine, best in zip(found, exact, strict=True)]
    return float(np.mean(shares))


def drifting_stream(blocks: int, dim: int, seed: int = 0) -> Vectors:
    """Vectors [blocks, representatives, dim], one block after the other as a camera's are.

    A scene lasts about 30 blocks, at one of 40 places that are come back to; within it, blocks wander
    around its middle, each near the one before. All places drift with time, numbers differ in scale,
    and all vectors share a large mean, as keys do.
    """
    rng = np.random.default_rng(seed)
    places, place = _normal(rng, 40, dim), 0
    drift = np.zeros(dim, dtype=np.float32)
    vectors = np.empty((blocks, REPRESENTATIVES, dim), dtype=np.float32)
    start = 0
    while start < blocks:
        end = min(start + int(rng.geometric(1 / 30)), blocks)
        if rng.random() < 0.3:
            place = int(rng.integers(len(places)))
        drift += 0.004 * np.sqrt(end - start) * _normal(rng, dim)
        around = places[place] + drift + 0.7 * _normal(rng, dim)
        wander = np.zeros(dim, dtype=np.float32)
        for block in range(start, end):
            wander = 0.9 * wander + 0.25 * _normal(rng, dim)
            vectors[block] = around + wander
        start = end
    vectors += 0.4 * _normal(rng, REPRESENTATIVES, dim)
    for chunk in np.array_split(vectors, max(blocks // 10_000, 1)):
        chunk += 0.2 * _normal(rng, *chunk.shape)
    vectors *= np.exp(0.7 * _normal(rng, dim))
    vectors += 3 * _normal(rng, dim)
    return vectors.astype(np.float16).astype(np.float32)


def questions(vectors: Vectors, count: int, seed: int = 1) -> Vectors:
    """Queries [count, dim] that point half at one of ``vectors``, less their mean, and half anywhere."""
    rng = np.random.default_rng(seed)
    mean = vectors.mean(axis=0)
    towards = vectors[rng.integers(0, len(vectors), count)] - mean
    found: Vectors = 0.5 * towards + 0.9 * vectors.std(axis=0).mean() * _normal(rng, *towards.shape)
    return found


def _normal(rng: Rng, *shape: int) -> NDArray[np.float32]:
    return rng.standard_normal(shape, dtype=np.float32)
