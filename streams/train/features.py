"""What the frozen encoder makes of pictures, worked out once and kept.

A training run looks at each picture many times; the encoder is most of the work, and always says the same.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from streams.errors import ConfigError
from streams.train.sample import Facts
from streams.types import Image

BATCH = 32
PROBES = 32
"""Pictures that are drawn for the key of a cache: other pixels are other features."""

Features: TypeAlias = NDArray[np.float16]
Advance: TypeAlias = Callable[[int], object]


class Pictures(Protocol):
    """Numbered pictures with what they show, drawn or read when asked for."""

    def __len__(self) -> int: ...

    @property
    def facts(self) -> Sequence[Facts]: ...

    @property
    def fingerprint(self) -> str:
        """Where each of them comes from, so that no other pictures have the same; of some the pixels are
        looked at too."""
        ...

    def draw(self, number: int) -> Image: ...


class FeatureEncoder(Protocol):
    name: str

    def features(self, images: Sequence[Image]) -> NDArray[np.float32]: ...


def cached_features(
    pictures: Pictures, encoder: FeatureEncoder, folder: Path, advance: Advance = lambda done: None
) -> Features:
    """Features [pictures, 1 + places, channels] of all ``pictures``, memory-mapped from ``folder``.

    They are worked out first where they are not there; ``advance`` is told how many were done. The file is
    named after a hash of what made it: the encoder, where each picture is from, and some of them themselves.
    Raises ConfigError when the folder cannot be written, or the file is damaged.
    """
    file = folder / f"{features_key(pictures, encoder)}.npy"
    if not file.is_file():
        _work_out(pictures, encoder, file, advance)
    try:
        mapped: Features = np.load(file, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise ConfigError(f"{file} is damaged, remove it: {error}", param="run.cache") from None
    return mapped


def features_key(pictures: Pictures, encoder: FeatureEncoder) -> str:
    digest = hashlib.sha256(encoder.name.encode())
    digest.update(pictures.fingerprint.encode())
    count = len(pictures)
    probes = sorted({count * probe // PROBES for probe in range(PROBES)} if count else ())
    images = [pictures.draw(number) for number in probes]
    for image in images:
        digest.update(repr(image.shape).encode() + image.tobytes())
    # Another checkpoint of the same name has other features; other threads or cores have not, but for noise.
    digest.update((np.round(encoder.features(images[:1]).mean(-1), 1) + 0.0).astype(np.float16).tobytes())
    return f"{count}-{digest.hexdigest()[:24]}"


def _work_out(pictures: Pictures, encoder: FeatureEncoder, file: Path, advance: Advance) -> None:
    partial: Path | None = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Of its own: another run may be at the same features.
        handle, name = tempfile.mkstemp(prefix=f"{file.stem}.", suffix=".partial", dir=file.parent)
        os.close(handle)
        partial = Path(name)
        starts = range(0, len(pictures), BATCH)
        mapped: np.memmap[Any, np.dtype[np.float16]] | None = None
        with ThreadPoolExecutor(1) as drawer:
            ahead = drawer.submit(_draw, pictures, 0)
            for start in starts:
                images, ahead = ahead.result(), drawer.submit(_draw, pictures, start + BATCH)
                found = encoder.features(images)
                if mapped is None:
                    shape = (len(pictures), *found.shape[1:])
                    mapped = np.lib.format.open_memmap(partial, "w+", np.float16, shape)
                mapped[start : start + len(found)] = found
                advance(len(found))
        assert mapped is not None, "no pictures"
        mapped.flush()
        partial.replace(file)
    except OSError as error:
        raise ConfigError(f"cannot keep features in {file.parent}: {error}", param="run.cache") from None
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def _draw(pictures: Pictures, start: int) -> list[Image]:
    return [pictures.draw(number) for number in range(start, min(start + BATCH, len(pictures)))]
