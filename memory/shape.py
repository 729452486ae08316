"""What a memory has to know of the model whose keys and values it keeps."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from memory.store.identity import Fingerprint


@dataclass(frozen=True, slots=True)
class MemoryShape:
    """``index_layers`` and ``index_dim`` are of digests; ``embedding_dim`` is None without a text embedder.

    Blocks are handed back in ``dtype`` on ``device``. ``wordless``: most frames come with nothing in words.
    """

    fingerprint: Fingerprint
    index_layers: int
    index_dim: int
    dtype: torch.dtype
    device: torch.device
    embedding_dim: int | None = None
    wordless: bool = False
