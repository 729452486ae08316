"""What hours of stream cost: frames, answers and bytes as a memory grows, against one that is a minute old.

The model is the real one and reads for real where something is timed. In between the stream is simulated:
blocks that the model read are appended again and again, under new ids and times, the way read ones
are; only the model's work is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from llm.answer import Answer
from llm.question import Question
from llm.reader import Reader
from llm.steps import run
from llm.stream import Stream
from memory.block import Block
from memory.host import MemoryHost
from memory.memory import StreamMemory
from memory.shape import MemoryShape
from streams.bench.cold import resident_bytes
from streams.bench.sights import SIGHTS
from streams.config import MemoryConfig
from streams.types import US_PER_S, BlockKind

MARKS_PER_DECADE = 3
FRAME_TOKENS = 20
"""About what a frame takes, to foresee the size of a stream."""

YOUNG_FRAMES = 60
"""A minute at one frame a second: what later marks are compared with."""

FRAMES, ANSWERS, TOKENS = 12, 5, 8
"""Timed at each mark: so many frames, and answers of so many tokens, of the old and the young in turn."""

QUESTIONS = (
    "What was there to drink?",
    "Which animal did you see?",
    "Was there a vehicle with two wheels?",
    "What was flying in the sky?",
    "Which instrument could you see?",
)
NOISE = 0.05
"""Of the spread of what blocks are known by, so that repeated ones are near each other, not the same."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What was measured when the stream was ``seconds`` old. Ratios are to a stream of a minute."""

    seconds: int
    blocks: int
    frame_ms: float
    frame_ratio: float
    answer_ms: float
    answer_ratio: float
    append_us: float
    device_bytes: int
    ram_bytes: int
    disk_bytes: int
    resident_bytes: int


@dataclass(frozen=True, slots=True)
class Aged:
    """A stream that has been running for hours, and what it is made of."""

    stream: Stream
    folder: Path
    frames: Sequence[Block]
    marks: tuple[Mark, ...]
    waits: int


def marks_of(hours: float) -> list[int]:
    """Seconds at which to measure: a minute, then evenly over each decade, and the end."""
    end = round(hours * 3_600)
    found, mark = [60], 60.0
    while (mark := mark * 10 ** (1 / MARKS_PER_DECADE)) < end * 0.8:
        found.append(round(mark))
    return [*found, end]


def read_frames(stream: Stream) -> list[Block]:
    """Blocks of many sights as the model reads them."""
    return [
        run(stream.see(second * US_PER_S, (second + 1) * US_PER_S, text))
        for second, text in enumerate(SIGHTS)
    ]


class Simulation:
    """Appends frames that were read before as if they were seen now."""

    def __init__(self, frames: Sequence[Block], seed: int = 0) -> None:
        self._frames = cycle(frames)
        self._generator = torch.Generator().manual_seed(seed)

    def append(self, memory: StreamMemory, second: int) -> None:
        frame = next(self._frames)
        info = memory.new_info(
            BlockKind.FRAME, second * US_PER_S, (second + 1) * US_PER_S, frame.info.text, frame.tokens
        )
        embedding = None if frame.embedding is None else self.near(frame.embedding, NOISE)
        memory.append(replace(frame, info=info, digest=self.near(frame.digest, NOISE), embedding=embedding))

    def near(self, vectors: Tensor, noise: float) -> Tensor:
        """Something near ``vectors``: ``noise`` is in their own spread."""
        offset = torch.randn(vectors.shape, generator=self._generator) * vectors.float().std() * noise
        return (vectors.float() + offset).half()


@contextmanager
def aged(
    reader: Reader,
    shape: MemoryShape,
    config: MemoryConfig,
    hours: float,
    advance: Callable[[int], None],
) -> Iterator[Aged]:
    """Run a stream for ``hours``; it is open within the context.

    ``config.dir`` is where it is kept. ``advance`` is told of seconds simulated.
    """
    assert config.dir is not None
    host = MemoryHost(config, shape)
    try:
        stream = Stream(reader, host.open("old"), reader.config.instructions)
        frames = read_frames(Stream(reader, host.open("sights"), reader.config.instructions))
        simulation = Simulation(frames)
        marks: list[Mark] = []
        second = waits = 0
        for end in marks_of(hours):
            start, begun = second, time.perf_counter()
            while second < end:
                if stream.memory.must_wait:
                    waits += 1
                    stream.memory.wait_for_room()
                simulation.append(stream.memory, second)
                second += 1
                advance(1)
            append_us = (time.perf_counter() - begun) / (second - start) * 1e6
            stream.memory.flush()
            young = Stream(reader, host.open(f"young-{end}"), reader.config.instructions)
            for early in range(YOUNG_FRAMES):
                simulation.append(young.memory, early)
            young.memory.flush()
            marks.append(_mark(stream, young, second, append_us))
            young.close()
            second += FRAMES
        yield Aged(stream, config.dir, frames, tuple(marks), waits)
    finally:
        host.close()


def _mark(stream: Stream, young: Stream, second: int, append_us: float) -> Mark:
    texts = cycle(SIGHTS)
    frames: dict[int, list[float]] = {0: [], 1: []}
    answers: dict[int, list[float]] = {0: [], 1: []}
    for place in range(FRAMES):
        text = next(texts)
        for which, each in enumerate((stream, young)):
            frames[which].append(_frame_ms(each, second + place, text))
    for question in QUESTIONS[:ANSWERS]:
        for which, each in enumerate((stream, young)):
            answers[which].append(_answer_ms(each, second, question))
    stats = stream.memory.stats()
    return Mark(
        seconds=second,
        blocks=stats.blocks,
        frame_ms=median(frames[0]),
        frame_ratio=median(old / new for old, new in zip(frames[0], frames[1], strict=True)),
        answer_ms=median(answers[0]),
        answer_ratio=median(old / new for old, new in zip(answers[0], answers[1], strict=True)),
        append_us=append_us,
        device_bytes=stream.device_bytes,
        ram_bytes=stats.ram_bytes,
        disk_bytes=stats.disk_bytes,
        resident_bytes=resident_bytes(),
    )


def _frame_ms(stream: Stream, second: int, text: str) -> float:
    start = time.perf_counter()
    run(stream.see(second * US_PER_S, (second + 1) * US_PER_S, text))
    return (time.perf_counter() - start) * 1e3


def _answer_ms(stream: Stream, second: int, question: str) -> float:
    """Recall, reading of the question and ``TOKENS`` tokens, of which the model may write fewer itself.

    What is recalled comes from disk where it is there.
    """
    at_us = second * US_PER_S
    answer = Answer(stream, Question(question, at_us, at_us), max_tokens=TOKENS, remember=False)
    start = time.perf_counter()
    run(answer.prepare())
    prepared = time.perf_counter()
    steps = 1
    while answer.step(at_us) is not None:
        steps += 1
    step_s = (time.perf_counter() - prepared) / steps
    answer.finish(at_us)
    return (prepared - start + TOKENS * step_s) * 1e3
