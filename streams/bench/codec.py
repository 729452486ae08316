"""What keeping blocks smaller costs: size, time, perplexity, and how many guesses change."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import torch
from torch import Tensor

from llm.backbone import Backbone
from llm.chat import ChatFormat
from llm.context import Context
from memory.block import Block, BlockInfo
from memory.codec.codec import Codec
from memory.codec.codecs import CODECS
from streams.bench.perplexity import prose_ids
from streams.bench.report import Cell, Column, Report
from streams.config import INSTRUCTIONS
from streams.errors import ConfigError
from streams.types import BlockKind

FRAME_TOKENS = 18
"""Of a frame with its time and chat marks."""

FRAMES_AN_HOUR = 3_600
ROUNDS = 30
"""Times that a block is encoded and decoded."""

COLUMNS = (
    Column("codec", "codec"),
    Column("kv_ratio", "of bf16", ".3f"),
    Column("mb_hour", "MB an hour", ".0f"),
    Column("perplexity", "ppl", ".3f"),
    Column("perplexity_change", "ppl ±%", "+.2f"),
    Column("same_guesses", "same guess %", ".1f"),
    Column("key_error", "key error %", ".2f"),
    Column("value_error", "value error %", ".2f"),
    Column("encode_ms", "encode ms", ".2f"),
    Column("decode_ms", "decode ms", ".2f"),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a text was foretold: its perplexity, and the likeliest next token after each of its tokens."""

    perplexity: float
    guesses: Tensor


def foretell(
    backbone: Backbone,
    ids: Sequence[int],
    codec: Codec,
    *,
    sinks: Sequence[int] = (),
    block_tokens: int,
    window_tokens: int,
) -> Reading:
    """Read ``ids`` as a session does, in blocks, each after ``sinks`` and all blocks before it.

    Of these the ones that do not fit in the newest ``window_tokens`` were encoded and decoded. ``sinks``,
    which are read first and kept as they are, do not count, nor does the first token where there are none.
    """
    context = backbone.new_context()
    before: list[Block] = []
    window: list[Block] = []
    last: list[Tensor] = []
    if sinks:
        block, logits = _read(backbone, context, before, sinks)
        before, last = [block], [logits[-1:]]
    loss, count = 0.0, 0
    guesses: list[Tensor] = []
    for start in range(0, len(ids), block_tokens):
        passage = ids[start : start + block_tokens]
        block, logits = _read(backbone, context, [*before, *window], passage)
        foretold = torch.cat([*last, logits[:-1]])
        targets = torch.tensor(passage[-len(foretold) :], device=logits.device)
        loss += torch.nn.functional.cross_entropy(foretold, targets, reduction="sum").item()
        count += len(foretold)
        guesses.append(foretold.argmax(-1))
        last = [logits[-1:]]
        window.append(block)
        while sum(each.tokens for each in window) > window_tokens:
            before.append(codec.decode(codec.encode(window.pop(0)), backbone.spec.dtype))
    return Reading(math.exp(loss / count), torch.cat(guesses))


def _read(
    backbone: Backbone, context: Context, before: Sequence[Block], ids: Sequence[int]
) -> tuple[Block, Tensor]:
    """The block that ``ids`` become after ``before``, and the scores after each: [n, vocab]."""
    context.assemble(before, len(ids))
    hidden = backbone.forward(backbone.embed(ids), context)
    keys, values = context.appended_keys_values(0, len(ids))
    info = BlockInfo(1, BlockKind.FRAME, 0, 0, "", len(ids))
    return Block(info, keys, values, torch.empty(0, dtype=torch.float16)), backbone.logits(hidden)


def measure(
    backbone: Backbone,
    chat: ChatFormat,
    *,
    codecs: Mapping[str, Codec] = CODECS,
    text_tokens: int = 2_048,
    block_tokens: int = FRAME_TOKENS,
    window_tokens: int = 64,
) -> Report:
    """Every codec beside "exact", over English prose in blocks of ``block_tokens`` after the instructions.

    Sizes, times and errors are of one block of a frame's length out of that prose. Raises ConfigError when
    the text would not reach past the window, so that no codec would be used.
    """
    if text_tokens < window_tokens + 2 * block_tokens:
        raise ConfigError(
            f"{text_tokens} tokens do not leave a window of {window_tokens}", param="--text-tokens"
        )
    ids = prose_ids(chat, text_tokens)
    sinks = chat.instructions(INSTRUCTIONS).ids
    readings = {
        name: foretell(
            backbone, ids, codec, sinks=sinks, block_tokens=block_tokens, window_tokens=window_tokens
        )
        for name, codec in codecs.items()
    }
    exact = readings.get("exact") or foretell(
        backbone, ids, CODECS["exact"], sinks=sinks, block_tokens=block_tokens, window_tokens=window_tokens
    )
    block = _frame(backbone, sinks, ids)
    times = _times(block, codecs)
    rows: list[dict[str, Cell]] = []
    for name, codec in codecs.items():
        encoded = codec.encode(block)
        decoded = codec.decode(encoded, torch.float32)
        reading = readings[name]
        rows.append(
            {
                "codec": name,
                "kv_ratio": encoded.kv_bytes / (2 * (block.keys.numel() + block.values.numel())),
                "mb_hour": encoded.kv_bytes * FRAMES_AN_HOUR / 1e6,
                "perplexity": reading.perplexity,
                "perplexity_change": 100 * (reading.perplexity / exact.perplexity - 1),
                "same_guesses": 100 * (reading.guesses == exact.guesses).float().mean().item(),
                "key_error": 100 * _error(block.keys, decoded.keys),
                "value_error": 100 * _error(block.values, decoded.values),
                "encode_ms": times[name][0],
                "decode_ms": times[name][1],
            }
        )
    notes = (
        f"perplexity of {text_tokens} tokens of prose in blocks of {block_tokens}, each read after all "
        f"before it; those past the newest {window_tokens} tokens were encoded and decoded",
        f"size, time and error of a block of {block.tokens} tokens, one a second; keys and values only; "
        "errors are root mean squares",
    )
    return Report("codecs", COLUMNS, tuple(rows), notes)


def _frame(backbone: Backbone, sinks: Sequence[int], ids: Sequence[int]) -> Block:
    """A block of a frame's length, read after some text."""
    context = backbone.new_context()
    first, _ = _read(backbone, context, [], [*sinks, *ids[:-FRAME_TOKENS]][:256])
    return _read(backbone, context, [first], ids[-FRAME_TOKENS:])[0]


def _times(block: Block, codecs: Mapping[str, Codec]) -> dict[str, tuple[float, float]]:
    """Milliseconds to encode and to decode ``block``, medians; the codecs take turns."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in codecs}
    for _ in range(ROUNDS):
        for name, codec in codecs.items():
            start = _now(block)
            encoded = codec.encode(block)
            between = _now(block)
            codec.decode(encoded, block.keys.dtype)
            taken[name].append((between - start, _now(block) - between))
    return {
        name: (1e3 * median(encode for encode, _ in pairs), 1e3 * median(decode for _, decode in pairs))
        for name, pairs in taken.items()
    }


def _now(block: Block) -> float:
    """Seconds, when what was asked of the device is done."""
    if block.keys.device.type == "cuda":
        torch.cuda.synchronize(block.keys.device)
    return perf_counter()


def _error(true: Tensor, kept: Tensor) -> float:
    return float((kept - true.float()).norm() / true.float().norm())
