"""The recall policy that the configuration asks for."""

from __future__ import annotations

from memory.recall.external import ExternalPolicy
from memory.recall.hybrid import HybridPolicy
from memory.recall.indexed import LoadIndex, NewIndex
from memory.recall.layers import LayersPolicy
from memory.recall.policy import RecallPolicy
from memory.recall.pooled import PooledPolicy
from memory.recall.recency import RecencyPolicy
from memory.recall.representatives import RepresentativesPolicy
from memory.shape import MemoryShape
from streams.config import MemoryConfig
from streams.errors import ConfigError
from streams.types import US_PER_S

BY_KEYS = {policy.name: policy for policy in (LayersPolicy, PooledPolicy, RepresentativesPolicy)}


def resolve_policy(config: MemoryConfig, shape: MemoryShape) -> MemoryConfig:
    """``config`` with the policy that ``auto`` stands for.

    Words find what answers a question more often than a model's keys do, but not what nothing was said of.
    """
    if config.policy != "auto":
        return config
    return config.model_copy(update={"policy": HybridPolicy.name if shape.wordless else ExternalPolicy.name})


def needs_embedding(name: str) -> bool:
    """Whether the policy called ``name`` compares text embeddings; ``auto`` does, whichever it becomes."""
    return name not in BY_KEYS


def new_policy(
    config: MemoryConfig,
    *,
    layers: int,
    dim: int,
    embedding_dim: int | None,
    new_index: NewIndex,
    load_index: LoadIndex,
) -> RecallPolicy:
    """An empty policy over digests of ``layers`` by ``dim``, and embeddings if there is a model for them.

    Raises ConfigError when ``memory.policy`` needs embeddings and ``embedding_dim`` is None.
    """
    assert config.policy != "auto", "to be resolved first"
    policy = _plain(config.policy, layers, dim, embedding_dim, new_index, load_index)
    half_life_us = round(config.recency_half_life_s * US_PER_S)
    return RecencyPolicy(policy, half_life_us) if half_life_us else policy


def _plain(
    name: str, layers: int, dim: int, embedding_dim: int | None, new_index: NewIndex, load_index: LoadIndex
) -> RecallPolicy:
    if not needs_embedding(name):
        return BY_KEYS[name](layers, dim, new_index, load_index)
    if embedding_dim is None:
        raise ConfigError(f"the recall policy '{name}' needs an embedding model", param="memory.policy")
    if name == ExternalPolicy.name:
        return ExternalPolicy(embedding_dim, new_index, load_index)
    return HybridPolicy(
        lambda: (
            RepresentativesPolicy(layers, dim, new_index, load_index),
            ExternalPolicy(embedding_dim, new_index, load_index),
        )
    )
