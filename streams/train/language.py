"""The language model that stage 2 trains adapters for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoConfig

from llm.chat import ChatFormat
from llm.connector import Connector, word_tables
from llm.lean import FAMILIES
from llm.loading import describe, load_weights, rotary_of
from streams.config import LlmConfig
from streams.errors import ModelError
from streams.train.live_model import Frozen, LiveModel
from streams.train.lora import LoraLayers


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """A checkpoint's parts: ``weights`` are named as Transformers names them."""

    chat: ChatFormat
    frozen: Frozen
    weights: dict[str, Tensor]

    @classmethod
    def load(cls, path: Path, chat: ChatFormat, device: str, dtype: str) -> Language:
        """The checkpoint in ``path``. Raises ModelError for a family that the lean layers do not run."""
        config = AutoConfig.from_pretrained(path)
        if config.model_type not in FAMILIES:
            raise ModelError(
                f"{' and '.join(FAMILIES)} models can be trained, not '{config.model_type}'",
                param="models.llm",
            )
        settings = LlmConfig.model_validate({"device": device, "dtype": dtype})
        spec = describe(config, settings)
        weights = load_weights(path, spec)
        embedding = weights["model.embed_tokens.weight"]
        frozen = Frozen(
            spec,
            rotary_of(config, spec.device),
            embedding,
            weights.get("lm_head.weight", embedding),
            weights["model.norm.weight"],
            config.rms_norm_eps,
        )
        return cls(chat, frozen, weights)

    def tables(self, connector: Connector) -> dict[tuple[str, int], Tensor]:
        """The connector's words in this model's token embeddings, on the CPU."""
        return word_tables(connector.config, self._embed)

    def _embed(self, word: str) -> Tensor:
        ids = torch.tensor(self.chat.ids(f" {word}"), device=self.frozen.embedding.device)
        return self.frozen.embedding[ids].cpu()

    def trainable(self, connector: Connector, rank: int, alpha: float) -> LiveModel:
        layers = LoraLayers(self.frozen.spec, self.weights, rank, alpha)
        return LiveModel(self.frozen, layers, connector).to(self.frozen.spec.device)
