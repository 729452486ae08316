"""Text embeddings from a sentence-transformers checkpoint."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor
from torch.nn.functional import normalize
from transformers import AutoModel, AutoTokenizer
from transformers.modeling_utils import PreTrainedModel
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from llm.quiet import no_progress_bars
from streams.errors import ModelError

BATCH = 32
"""Texts in one forward pass."""

SETTING = "models.embedding"


class SentenceEmbedder:
    """Mean of a BERT-like encoder's last hidden states over the tokens of a text, to unit length.

    This is the pooling of Sentence-BERT (Reimers & Gurevych 2019), which its checkpoints were trained with.
    Of a text longer than ``max_tokens`` the first count, as in training.
    """

    def __init__(
        self, name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, max_tokens: int
    ) -> None:
        self.name = name
        self.max_tokens = max_tokens
        self.dim: int = model.config.hidden_size
        self._lock = Lock()
        self._model = model
        self._tokenizer = tokenizer

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of unit length, [len(texts), dim].

        Computed on one thread: passes as short as these gain little from a second one, and wait for it
        when the machine is busy.
        """
        with self._lock:  # a tokenizer is used by one thread at a time
            threads = torch.get_num_threads()
            torch.set_num_threads(1)
            try:
                return self._embed_all(texts)
            finally:
                torch.set_num_threads(threads)

    def _embed_all(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        # Texts of like length go together, so that little is computed for padding.
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            vectors[chosen] = self._embed([texts[i] for i in chosen]).cpu().numpy()
        return vectors

    @torch.inference_mode()
    def _embed(self, texts: list[str]) -> Tensor:
        tokens = self._tokenizer(
            texts, padding=True, truncation=True, max_length=self.max_tokens, return_tensors="pt"
        ).to(self._model.device)
        hidden: Tensor = self._model(**tokens).last_hidden_state.float()
        mask = tokens["attention_mask"][..., None].to(hidden.dtype)
        return normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)


def load_embedder(path: Path, device: torch.device | str = "cpu") -> SentenceEmbedder:
    """The embedder of the checkpoint in ``path``, in float32.

    Raises ModelError when there is none, when weights are missing, or when it pools otherwise.
    """
    _check_pooling(path)
    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
        with no_progress_bars():
            model, found = AutoModel.from_pretrained(path, dtype=torch.float32, output_loading_info=True)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"{path} holds no model that can be loaded: {error}", param=SETTING) from None
    missing = sorted(name for name in found["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise ModelError(f"{path} lacks weights: {', '.join(missing[:3])}", param=SETTING)
    limits = [tokenizer.model_max_length, getattr(model.config, "max_position_embeddings", None)]
    limits.append(_read_json(path / "sentence_bert_config.json").get("max_seq_length"))
    max_tokens = min(int(limit) for limit in limits if limit)
    return SentenceEmbedder(path.name, model.eval().to(device), tokenizer, max_tokens)


def _check_pooling(path: Path) -> None:
    """Refuse a checkpoint that says it was trained with another pooling; its means would mean little."""
    chosen = [key for key, value in _read_json(path / "1_Pooling" / "config.json").items() if value is True]
    others = [key for key in chosen if key.startswith("pooling_mode_") and key != "pooling_mode_mean_tokens"]
    if others:
        raise ModelError(f"{path} pools by {', '.join(others)}, only the mean is known", param=SETTING)


def _read_json(file: Path) -> dict[str, Any]:
    """The object in ``file``; empty when there is no such file. Raises ModelError."""
    try:
        read = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} cannot be read: {error}", param=SETTING) from None
    if not isinstance(read, dict):
        raise ModelError(f"{file} holds no object", param=SETTING)
    return read
