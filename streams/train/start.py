"""Finished weights that a run goes on from, instead of learning all anew."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from llm.sight import EMBEDDED, Sight, load_sight
from streams.errors import ConfigError
from streams.train.recipe import Recipe

SHIPPED = Path("shipped")
"""Stands for the weights that ship; a folder of this name is given with more of its path."""


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """``mark`` tells these weights from others, wherever they lie."""

    sight: Sight
    mark: str

    @property
    def settings(self) -> Mapping[str, object]:
        """What the weights of a run hang on that begins here."""
        return {"run.start": self.mark}


def find_start(recipe: Recipe) -> Start | None:
    """Raises ModelError, and ConfigError where the run would write over what it starts from."""
    if recipe.run.start is None:
        return None
    folder = EMBEDDED if recipe.run.start == SHIPPED else recipe.run.start.expanduser()
    if folder.resolve() == recipe.run.out.resolve():
        raise ConfigError("a run goes on from weights in another folder than its own", param="run.start")
    sight = load_sight(folder)
    digest = hashlib.sha256()
    for file in sight.files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return Start(sight, digest.hexdigest())
