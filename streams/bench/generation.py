"""Who writes how fast: Transformers' own ``generate`` and this project's backbones, behind one face."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from tokenizers.decoders import DecodeStream
from transformers import AutoModelForCausalLM
from transformers.generation.streamers import BaseStreamer

from llm.backbone import Backbone
from llm.chat import ChatFormat
from llm.sampler import Sampler


class Writer(Protocol):
    """Reads a prompt and writes after it, greedily. Times are in seconds."""

    def prefill_s(self, ids: Sequence[int]) -> float:
        """Time to read ``ids`` and score the token after them."""
        ...

    def decode_s(self, ids: Sequence[int], tokens: int) -> float:
        """Time of ``tokens`` one-token steps after ``ids``, the reading of which is not counted."""
        ...


class TransformersWriter:
    """The stock model with Transformers' own cache, attention and ``generate``."""

    def __init__(self, path: Path, dtype: torch.dtype, device: str) -> None:
        self._model: Any = AutoModelForCausalLM.from_pretrained(path, dtype=dtype).to(device).eval()

    def _ids(self, ids: Sequence[int]) -> torch.Tensor:
        return torch.tensor([ids], device=self._model.device)

    def prefill_s(self, ids: Sequence[int]) -> float:
        given = self._ids(ids)
        with torch.inference_mode():
            start = time.perf_counter()
            logits = self._model(given, use_cache=True, logits_to_keep=1).logits
            logits.argmax().item()
            return time.perf_counter() - start

    def decode_s(self, ids: Sequence[int], tokens: int) -> float:
        given = self._ids(ids)
        clock = _TokenClock()
        self._model.generate(
            given,
            attention_mask=torch.ones_like(given),
            max_new_tokens=tokens + 1,
            min_new_tokens=tokens + 1,
            do_sample=False,
            pad_token_id=0,
            streamer=clock,
        )
        # The prompt comes first, then the token that the prefill gave, then one for each step.
        assert len(clock.times) == tokens + 2
        return clock.times[-1] - clock.times[1]


class _TokenClock(BaseStreamer):  # type: ignore[misc]
    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, value: torch.Tensor) -> None:
        self.times.append(time.perf_counter())

    def end(self) -> None: ...


class BackboneWriter:
    """A backbone as ``Answer`` drives it: forward, logits, sampler, text of the token."""

    def __init__(self, backbone: Backbone, chat: ChatFormat, chunk_tokens: int) -> None:
        self.backbone = backbone
        self._chat = chat
        self._chunk_tokens = chunk_tokens
        self.context = backbone.new_context()

    def read(self, ids: Sequence[int], room: int) -> torch.Tensor:
        """Read ``ids`` in chunks, with ``room`` left after them; the scores of the next token."""
        backbone = self.backbone
        self.context.assemble([], len(ids) + room)
        for start in range(0, len(ids), self._chunk_tokens):
            hidden = backbone.forward(backbone.embed(ids[start : start + self._chunk_tokens]), self.context)
        return backbone.logits(hidden[-1])

    def prefill_s(self, ids: Sequence[int]) -> float:
        start = time.perf_counter()
        self.read(ids, 0).argmax().item()
        return time.perf_counter() - start

    def decode_s(self, ids: Sequence[int], tokens: int) -> float:
        backbone = self.backbone
        sampler = Sampler(temperature=0.0, top_p=1.0, repetition_penalty=1.1, seed=0)
        decoder = DecodeStream(skip_special_tokens=True)
        token = sampler.sample(self.read(ids, tokens))
        start = time.perf_counter()
        for _ in range(tokens):
            hidden = backbone.forward(backbone.embed([token]), self.context)
            token = sampler.sample(backbone.logits(hidden[-1]))
            decoder.step(self._chat.decoder, token)
        return time.perf_counter() - start
