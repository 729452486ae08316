"""``streams bench llm``: how fast the language model reads and writes, beside Transformers' ``generate``.

The variants take turns within each repeat, so that what else the machine does falls on all alike;
ratios are taken within a repeat, and medians over the repeats.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch

from gateway.models import build_registry
from llm.chat import ChatFormat, load_chat
from llm.lean import LeanBackbone
from llm.loading import load_backbone
from streams.bench.generation import BackboneWriter, TransformersWriter, Writer
from streams.bench.perplexity import perplexity, prose_ids
from streams.bench.report import Cell, Column, Report, emit
from streams.bench.step import account
from streams.config import LlmConfig, StreamsConfig
from streams.errors import ConfigError, ModelError

PREFILL_TOKENS = (16, 64, 256, 512)
CONTEXT_TOKENS = 500
BANDWIDTH_BYTES = 512 * 1024**2
ROUNDS = 5
"""Times that memory is read, and that parts of a step are timed."""

COLUMNS = (
    Column("variant", "variant"),
    *(Column(f"prefill_{count}", f"read {count}", ".0f") for count in PREFILL_TOKENS),
    Column("decode", "write", ".1f"),
    Column("decode_ratio", "× gen.", ".2f"),
    Column("perplexity", "ppl", ".3f"),
    Column("weights_mb", "MB", ".0f"),
    Column("limit", "limit", ".0f"),
)


@dataclass(frozen=True)
class _Variant:
    name: str
    writer: Writer

    @property
    def backbone(self) -> LeanBackbone | None:
        """Of a lean variant, whose weights and parts are known."""
        backbone = self.writer.backbone if isinstance(self.writer, BackboneWriter) else None
        return backbone if isinstance(backbone, LeanBackbone) else None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="NAME|PATH", help="hub name or checkpoint (as configured)")
    parser.add_argument("--tokens", type=int, default=64, help="tokens to write in each repeat (64)")
    parser.add_argument("--repeats", type=int, default=3, help="how often everything is measured (3)")
    parser.add_argument(
        "--text-tokens", type=int, default=2_048, help="length of the text for perplexity (2048; 0: none)"
    )
    parser.add_argument("--json", metavar="FILE|-", help="write the figures as JSON, too")


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    """Print the table. Raises ConfigError for a count that makes no sense, ModelError."""
    for name in ("tokens", "repeats"):
        if getattr(args, name) < 1:
            raise ConfigError(f"--{name} must be at least 1", param=f"--{name}")
    if args.text_tokens < 0 or args.text_tokens == 1:
        raise ConfigError("--text-tokens must be 0, or at least 2", param="--text-tokens")
    torch.set_num_threads(config.llm.threads or os.cpu_count() or 1)
    models = config.models if args.model is None else config.models.model_copy(update={"llm": args.model})
    path = build_registry(models).resolve("llm").path
    assert path is not None
    chat = load_chat(path)
    variants, left_out = _load(path, config.llm, chat)
    speeds = _measure(variants, prose_ids(chat, max(*PREFILL_TOKENS, CONTEXT_TOKENS)), args)
    bandwidth = _bandwidth_bytes_s()
    rows = [_row(variant, speeds, bandwidth) for variant in variants]
    notes = [*_notes(args, bandwidth, path), *left_out]
    if args.text_tokens:
        notes += _add_perplexities(rows, variants, prose_ids(chat, args.text_tokens), config.llm)
    fastest = next((each for each in reversed(variants) if each.backbone is not None), None)
    if fastest is not None and fastest.backbone is not None:
        parts = account(fastest.backbone, chat, prose_ids(chat, CONTEXT_TOKENS), ROUNDS)
        notes.append(_show_account(fastest.name, parts))
    emit(Report(f"Language model: {path.name}", COLUMNS, tuple(rows), tuple(notes)), args.json)
    return 0


def _load(path: Path, config: LlmConfig, chat: ChatFormat) -> tuple[list[_Variant], list[str]]:
    """Every variant that can be had of the checkpoint, and what is to say of the others."""
    device = "cpu" if config.device == "auto" and not torch.cuda.is_available() else config.device
    variants = [
        _Variant("generate f32", TransformersWriter(path, torch.float32, device)),
        _Variant("generate bf16", TransformersWriter(path, torch.bfloat16, device)),
    ]
    left_out: list[str] = []
    for name, backend, dtype, weights in (
        ("hooked bf16", "hooked", "bfloat16", "same"),
        ("lean f32", "lean", "float32", "same"),
        ("lean bf16", "lean", "bfloat16", "same"),
        ("lean int8", "lean", "bfloat16", "int8"),
    ):
        settings = {"backend": backend, "dtype": dtype, "decode_weights": weights}
        try:
            backbone = load_backbone(path, config.model_copy(update=settings))
        except ModelError as error:
            left_out.append(f"{name} is left out: {error.message}.")
            continue
        variants.append(_Variant(name, BackboneWriter(backbone, chat, config.prefill_chunk_tokens)))
    return variants, left_out


def _measure(
    variants: Sequence[_Variant], ids: Sequence[int], args: argparse.Namespace
) -> Mapping[str, Mapping[int, list[float]]]:
    """Tokens a second by variant: for each prompt length of prefill, and under 0 of decode."""
    speeds: dict[str, dict[int, list[float]]] = {
        variant.name: {count: [] for count in (0, *PREFILL_TOKENS)} for variant in variants
    }
    for variant in variants:
        variant.writer.decode_s(ids[:16], 2)
    for _ in range(args.repeats):
        for count in PREFILL_TOKENS:
            for variant in variants:
                speeds[variant.name][count].append(count / variant.writer.prefill_s(ids[:count]))
        for variant in variants:
            seconds = variant.writer.decode_s(ids[:CONTEXT_TOKENS], args.tokens)
            speeds[variant.name][0].append(args.tokens / seconds)
    return speeds


def _row(
    variant: _Variant, speeds: Mapping[str, Mapping[int, list[float]]], bandwidth: float
) -> dict[str, Cell]:
    own = speeds[variant.name]
    generate = [series[0] for name, series in speeds.items() if name.startswith("generate")]
    best = [max(each) for each in zip(*generate, strict=True)]
    row: dict[str, Cell] = {"variant": variant.name, "decode": median(own[0])}
    row |= {f"prefill_{count}": median(own[count]) for count in PREFILL_TOKENS}
    row["decode_ratio"] = median(mine / theirs for mine, theirs in zip(own[0], best, strict=True))
    if variant.backbone is not None:
        keys_values = CONTEXT_TOKENS * variant.backbone.spec.token_bytes
        row["weights_mb"] = variant.backbone.step_bytes / 1e6
        row["limit"] = bandwidth / (variant.backbone.step_bytes + keys_values)
    return row


def _bandwidth_bytes_s() -> float:
    """How fast the machine reads memory with the model's threads: the best of some sums over 512 MiB."""
    buffer = torch.ones(BANDWIDTH_BYTES // 4)
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        buffer.sum()
        best = min(best, time.perf_counter() - start)
    return BANDWIDTH_BYTES / best


def _notes(args: argparse.Namespace, bandwidth: float, path: Path) -> list[str]:
    load = os.getloadavg()[0]
    return [
        f"Tokens per second, medians of {args.repeats}; {torch.get_num_threads()} threads, load {load:.1f}.",
        f"Write: {args.tokens} tokens after {CONTEXT_TOKENS}, with sampling and text of each token; "
        "× gen.: against the better of Transformers' two.",
        f"MB: weights read for a token. Limit: memory is read at {bandwidth / 1e9:.1f} GB/s here, and a "
        f"token needs these and the keys and values of {CONTEXT_TOKENS} tokens once.",
    ]


def _add_perplexities(
    rows: Sequence[dict[str, Cell]], variants: Sequence[_Variant], ids: Sequence[int], config: LlmConfig
) -> list[str]:
    """Fill in perplexity for the lean variants; int8 reads token by token, as only steps use int8."""
    found: dict[str, float] = {}
    for row, variant in zip(rows, variants, strict=True):
        if variant.backbone is None:
            continue
        chunk = 1 if variant.name.endswith("int8") else config.prefill_chunk_tokens
        row["perplexity"] = found[variant.name] = perplexity(variant.backbone, ids, chunk)
    if not found:
        return []
    change = found["lean int8"] / found["lean bf16"] - 1
    verdict = "within" if abs(change) <= 0.01 else "NOT within"
    return [
        f"Perplexity: over {len(ids)} tokens of Python's language reference (pydoc_data.topics), each after "
        f"all before it; int8 one-token steps throughout. int8 is {change:+.2%} off bf16: {verdict} 1 %."
    ]


def _show_account(name: str, parts: Mapping[str, float]) -> str:
    whole = sum(parts.values())
    shares = ", ".join(f"{part} {ms:.2f} ms ({ms / whole:.0%})" for part, ms in parts.items())
    return f"Where a step of {name} goes ({whole:.2f} ms, {1e3 / whole:.0f} tokens/s): {shares}."
