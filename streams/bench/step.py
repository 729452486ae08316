"""Where the time of a one-token step goes: its parts, each run apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median

import torch
from tokenizers.decoders import DecodeStream

from llm.chat import ChatFormat
from llm.lean import LeanBackbone
from llm.sampler import Sampler

STEPS = 16


def account(backbone: LeanBackbone, chat: ChatFormat, ids: Sequence[int], rounds: int) -> dict[str, float]:
    """Milliseconds by part of a step after ``ids``; the last part is what the others leave of the whole.

    The parts of each round follow one another, so that what else the machine does falls on all alike.
    """
    spec = backbone.spec
    context = backbone.new_context()
    context.assemble([], len(ids) + STEPS)
    hidden = backbone.forward(backbone.embed(ids), context)[-1]
    logits = backbone.logits(hidden)
    sampler = Sampler(temperature=0.0, top_p=1.0, repetition_penalty=1.1, seed=0)
    decoder = DecodeStream(skip_special_tokens=True)
    x = torch.zeros(1, spec.hidden, dtype=spec.dtype, device=spec.device)
    fused = torch.zeros(
        spec.heads + 2 * spec.kv_heads, 1, spec.head_dim, dtype=spec.dtype, device=spec.device
    )
    inner = backbone.step_layers[0].gate_up(x).shape[1] // 2
    wide = torch.zeros(1, inner, dtype=spec.dtype, device=spec.device)
    attended = torch.zeros(1, spec.heads * spec.head_dim, dtype=spec.dtype, device=spec.device)

    def whole() -> None:
        out = backbone.forward(backbone.embed([ids[-1]]), context)
        token = sampler.sample(backbone.logits(out[-1]))
        decoder.step(chat.decoder, token)

    @torch.inference_mode()
    def products() -> None:
        for layer in backbone.step_layers:
            layer.qkv(x)
            layer.out(attended)
            layer.gate_up(x)
            layer.down(wide)

    @torch.inference_mode()
    def attention() -> None:
        context.begin(1)
        for layer in range(spec.layers):
            context.append_and_attend(layer, fused)
        context.finish()

    parts: dict[str, Callable[[], object]] = {
        "whole": whole,
        "matrix products": products,
        "vocabulary": lambda: backbone.logits(hidden),
        "attention, rotation, cache": attention,
        "sampling": lambda: sampler.sample(logits),
        "text": lambda: decoder.step(chat.decoder, ids[-1]),
    }
    times: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(rounds):
        for name, part in parts.items():
            start = time.perf_counter()
            for _ in range(STEPS):
                part()
            times[name].append((time.perf_counter() - start) / STEPS * 1e3)
            context.truncate(len(ids))
    found = {name: median(series) for name, series in times.items()}
    step = found.pop("whole")
    return found | {"norms, activations, Python": step - sum(found.values())}
