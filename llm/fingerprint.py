"""Tells one checkpoint from another, so that no model is handed keys and values of another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from llm.spec import ModelSpec
from memory.store.identity import Fingerprint
from streams.errors import ModelError

SAMPLE_BYTES = 65_536
SAMPLES = 16


def fingerprint(path: Path, spec: ModelSpec, also: Sequence[Path] = ()) -> Fingerprint:
    """Of the checkpoint in the folder ``path``, and of files that change what it makes of a stream.

    Raises ModelError when it holds no weights or tokenizer.
    """
    model, tokenizer = checkpoint_hashes(path, also)
    return Fingerprint(
        model=path.name,
        model_hash=model,
        tokenizer_hash=tokenizer,
        layers=spec.layers,
        kv_heads=spec.kv_heads,
        head_dim=spec.head_dim,
    )


def checkpoint_hashes(path: Path, also: Sequence[Path] = ()) -> tuple[str, str]:
    """Of the model (``also`` included) and of the tokenizer in the folder ``path``; nothing is loaded.

    The weights are sampled, not read through: evenly spread pieces of each file, and its size. That takes
    milliseconds, and any training changes all of them. Raises ModelError where something is missing.
    """
    weights = sorted(path.glob("*.safetensors"))
    tokenizer = sorted(
        file for file in path.glob("*") if file.name.startswith(("tokenizer", "vocab", "merges"))
    )
    model_config = path / "config.json"
    kinds = {"safetensors weights": weights, "tokenizer": tokenizer, "config.json": model_config.is_file()}
    for kind, found in kinds.items():
        if not found:
            raise ModelError(f"{path} holds no {kind}", param="models.llm")
    model = hashlib.sha256(model_config.read_bytes())
    for file in (*weights, *also):
        _sample(file, model)
    words = hashlib.sha256()
    for file in tokenizer:
        words.update(file.name.encode() + b"\0" + file.read_bytes())
    return model.hexdigest(), words.hexdigest()


def _sample(file: Path, digest: hashlib._Hash) -> None:
    size = file.stat().st_size
    digest.update(str(size).encode())
    with file.open("rb") as opened:
        for piece in range(SAMPLES):
            opened.seek(max(size - SAMPLE_BYTES, 0) * piece // max(SAMPLES - 1, 1))
            digest.update(opened.read(SAMPLE_BYTES))
