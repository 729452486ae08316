"""``streams bench frames``: frames a second with memory, of a vision-language model or of one's shape.

Each frame is looked at, read after what a session has in its window, and kept, as in a session that
nobody talks in. The first and the last quarter are told apart: with memory the last frame must cost what
the first did. What is looked at is noise, which no model sees faster than anything else.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from gateway.assembly import load_reader
from gateway.models import build_registry
from llm.chat import load_chat
from llm.eye import ConnectorEye
from llm.reader import Reader
from llm.steps import run as read
from llm.stream import Stream
from memory.host import MemoryHost
from memory.store.identity import Fingerprint
from streams.bench.report import Cell, Column, Report, emit
from streams.bench.shapes import SHAPES
from streams.config import StreamsConfig
from streams.errors import ConfigError
from streams.types import US_PER_S, Embedding, Frame

WARM_UP = 2
PICTURES = 8
COLUMNS = (
    Column("part", "frames"),
    Column("frames_s", "frames/s", ".2f"),
    Column("look_ms", "look ms", ".0f"),
    Column("read_ms", "read ms", ".0f"),
)


@dataclass(frozen=True, slots=True)
class _Cost:
    """Seconds that one frame took to be looked at, and to be read and kept."""

    look_s: float
    read_s: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--model", metavar="NAME|PATH", help="hub name or checkpoint (as configured)")
    kinds.add_argument("--shape", choices=SHAPES, help="this shape, with random weights")
    parser.add_argument(
        "--whole", action="store_true", help="all layers of the shape without a GPU, too (else two)"
    )
    parser.add_argument("--frames", type=int, default=60, help="frames to read (60)")
    parser.add_argument("--size", default="640x360", metavar="WxH", help="of the frames (640x360)")
    parser.add_argument("--json", metavar="FILE|-", help="write the figures as JSON, too")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Print the table. Raises ConfigError for a count or size that makes no sense, ModelError."""
    if args.frames < 4:
        raise ConfigError("--frames must be at least 4", param="--frames")
    pictures = _pictures(args.size)
    torch.set_num_threads(config.llm.threads or os.cpu_count() or 1)
    # What noise says in words is not worth comparing: frames are indexed by their keys.
    config = config.model_copy(
        update={"memory": config.memory.model_copy(update={"policy": "representatives"})}
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        reader, note = _reader(args, config, folder)
        if reader.eye is None or isinstance(reader.eye, ConnectorEye):
            raise ConfigError("this model has no eyes of its own: name one, or a --shape", param="--model")
        memory = config.memory.model_copy(update={"dir": folder / "memory"})
        shape = reader.shape(Fingerprint("bench", "weights", "tokenizer", 1, 1, 1))
        host = MemoryHost(memory, shape)
        stack.callback(host.close)
        stream = Stream(reader, host.open("bench"), config.llm.instructions)
        costs, tokens = _watch(stream, pictures, args.frames)
        stream.memory.flush()
        notes = (note, *_memory_notes(stream, tokens))
        stream.close()
    quarter = args.frames // 4
    parts = {"all": costs, f"first {quarter}": costs[:quarter], f"last {quarter}": costs[-quarter:]}
    rows = tuple(_row(name, part) for name, part in parts.items())
    emit(Report(f"Frames with memory, {args.size}", COLUMNS, rows, notes), args.json)
    return 0


def _pictures(size: str) -> list[Frame]:
    width, found, height = size.partition("x")
    if not found or not (width.isdecimal() and height.isdecimal()) or not int(width) * int(height):
        raise ConfigError(f"--size is '{size}', not like 640x360", param="--size")
    random = np.random.default_rng(0)
    return [
        Frame(0, random.integers(0, 255, (int(height), int(width), 3), np.uint8)) for _ in range(PICTURES)
    ]


def _reader(args: argparse.Namespace, config: StreamsConfig, folder: Path) -> tuple[Reader, str]:
    """What reads the frames, and what is to be said of it."""
    if args.shape is None:
        name = args.model or config.models.llm
        models = config.models.model_copy(update={"llm": name})
        reader, _ = load_reader(config.model_copy(update={"models": models}))
        return reader, f"{name} on {_device(reader)}."
    path = build_registry(config.models).resolve("llm").path
    assert path is not None
    small = not (args.whole or torch.cuda.is_available())
    model = SHAPES[args.shape].build(folder, config.llm, small=small)
    # Of the tokenizer only how many tokens a frame's time takes matters here, so any will do.
    reader = Reader(model.backbone, load_chat(path), config.llm, eye=model.eye)
    scale = "cut to two layers each in eye and language model" if small else "whole"
    return reader, f"{args.shape} with random weights, {scale}, on {_device(reader)}."


def _device(reader: Reader) -> str:
    spec = reader.backbone.spec
    name = (
        torch.cuda.get_device_name()
        if spec.device.type == "cuda"
        else f"{torch.get_num_threads()} CPU threads"
    )
    return f"{name} in {str(spec.dtype).removeprefix('torch.')}"


def _watch(stream: Stream, pictures: Sequence[Frame], count: int) -> tuple[list[_Cost], int]:
    """What each of ``count`` frames cost, after some that do not count; and tokens of the last."""
    eye = stream.reader.eye
    assert eye is not None
    nothing = Embedding(0, "none", np.zeros((0, 0), np.float32))
    costs: list[_Cost] = []
    tokens = 0
    for number in range(WARM_UP + count):
        start = _now(stream)
        (visual,) = eye.look([pictures[number % PICTURES]], [nothing])
        seen = _now(stream)
        at_us = number * US_PER_S
        tokens = read(stream.see(at_us, at_us + US_PER_S, visual)).tokens
        costs.append(_Cost(seen - start, _now(stream) - seen))
    return costs[WARM_UP:], tokens


def _now(stream: Stream) -> float:
    """Seconds, once the device has done what it was given."""
    if stream.reader.backbone.spec.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def _row(name: str, costs: Sequence[_Cost]) -> dict[str, Cell]:
    look, kept = (sum(getattr(cost, part) for cost in costs) / len(costs) for part in ("look_s", "read_s"))
    return {"part": name, "frames_s": 1 / (look + kept), "look_ms": 1e3 * look, "read_ms": 1e3 * kept}


def _memory_notes(stream: Stream, tokens: int) -> tuple[str, ...]:
    stats = stream.memory.stats()
    spec = stream.reader.backbone.spec
    return (
        f"A frame is {tokens} tokens, {tokens * spec.token_bytes / 1e6:.2f} MB of keys and values.",
        f"{stats.blocks} frames kept: {stream.device_bytes / 1e6:.0f} MB on the device, "
        f"{stats.ram_bytes / 1e6:.0f} MB in RAM, {stats.disk_bytes / 1e6:.0f} MB on disk.",
    )
