"""Which dialogue each step of stage 2 is of: made or own ones, and some over imagined photographs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from streams.train.dialogue.acknowledge import acknowledged
from streams.train.dialogue.manner import spoken
from streams.train.imagined import Imagined, imagined_dialogue
from streams.train.sample import Dialogue


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    """Dialogues by number: the same number and seed give the same one, in any process and any order.

    ``pictures`` is how many pictures there are. As many numbers after theirs are of the same ones doubted,
    which a ``doubted`` share of frames show; after these come the ``imagined`` photographs, which a ``share``
    of dialogues are over. ``varied``: some of what is said is opened and written in other ways, and most
    standing requests are acknowledged.
    """

    dialogues: Sequence[Dialogue]
    pictures: int
    doubted: float
    imagined: Imagined | None
    share: float
    seed: int
    varied: bool = True

    def dialogue(self, number: int) -> Dialogue:
        rng = random.Random(f"{self.seed}/{number}")
        chosen = self._chosen(number, rng)
        return acknowledged(spoken(chosen, rng), rng) if self.varied else chosen

    def _chosen(self, number: int, rng: random.Random) -> Dialogue:
        if self.imagined is not None and rng.random() < self.share:
            return imagined_dialogue(self.imagined, 2 * self.pictures, rng)
        chosen = self.dialogues[number % len(self.dialogues)]
        frames = tuple(
            replace(frame, picture=frame.picture + self.pictures * (rng.random() < self.doubted))
            for frame in chosen.frames
        )
        return replace(chosen, frames=frames)
