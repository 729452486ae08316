"""The pictures of a split by number: planned at once, drawn when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from streams.train.pictures.material import Material
from streams.train.pictures.plan import Planned, plan_pictures
from streams.train.pictures.render import render
from streams.train.sample import Facts
from streams.types import Image

POOL_SIZES = {"train": 26_000, "validation": 1_500, "test": 2_500}
"""How many pictures of each split the recipe uses."""


class PicturePool:
    """The first ``count`` pictures of a split. The same number and seed give the same picture in any process.

    ``facts`` of each picture and ``shots``, the number of the shot that it is in, are known without drawing.
    """

    def __init__(self, material: Material, count: int, seed: int = 0) -> None:
        self._material = material
        self._planned: Sequence[Planned] = tuple(islice(plan_pictures(material, seed), count))
        self.facts: tuple[Facts, ...] = tuple(planned.facts for planned in self._planned)
        self.shots: tuple[int, ...] = tuple(planned.shot for planned in self._planned)

    def __len__(self) -> int:
        return len(self._planned)

    @property
    def fingerprint(self) -> str:
        """All that is drawn, as it was planned, and the names of what it is drawn of."""
        material = self._material
        files = [path.name for path in (*material.drawings.values(), *material.fonts, *material.views)]
        return repr((files, [(planned.scene, planned.step) for planned in self._planned]))

    def draw(self, number: int) -> Image:
        """Picture ``number``: uint8 RGB [288, 384, 3]. Raises IndexError."""
        planned = self._planned[number]
        return render(planned.scene, planned.step, self._material)
