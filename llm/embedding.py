"""The contract of a text embedder: texts that mean alike become vectors that point alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class TextEmbedder(Protocol):
    """Safe to use from several threads; ``name`` says which checkpoint its vectors come from."""

    name: str
    dim: int

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of unit length, [len(texts), dim]."""
        ...
