"""What an encoder may claim: class probabilities of several views of a frame to names it is sure of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from video.encoder import Label, Labels
from video.imagenet import Kind

Vector: TypeAlias = NDArray[np.float32]

BROAD_CLASSES = 32
KIND_MARGIN = 0.10
BROAD_MARGIN = 0.40
REGION_MARGIN = 0.40
SIBLING_SHARE = 0.8
MAX_LIMIT = 0.95
MAX_LABELS = 4


class Namer:
    """Names with the confidence that every view of the frame supports.

    The confidence of a name is its lowest probability over the views: what looks like a thing in
    one crop only is seldom one. A class is named if it takes ``SIBLING_SHARE`` of the probability
    of the narrowest kind it belongs to; otherwise the narrowest kind that is sure enough (after
    Deng et al., "Hedging your bets", CVPR 2012). Kinds add up the noise of many classes, so they
    must be surer than a class, and broad kinds (dog, animal) surer still. The margins were chosen on
    real photographs and clips, so that what no class fits (a cartoon, a texture) stays unnamed.
    """

    def __init__(self, names: Sequence[str], kinds: Sequence[Kind], min_confidence: float) -> None:
        classes = [(name, [i], min_confidence) for i, name in enumerate(names)]
        groups = [(k.name, sorted(k.classes), _kind_threshold(k, min_confidence)) for k in kinds]
        self._candidates = sorted(classes + groups, key=lambda candidate: len(candidate[1]))
        limits = np.array([threshold for _, _, threshold in self._candidates], dtype=np.float32)
        self._limits = np.minimum(limits, MAX_LIMIT)
        lowest = np.float32(min_confidence + REGION_MARGIN)
        self._region_limits = np.minimum(np.maximum(limits + KIND_MARGIN, lowest), MAX_LIMIT)
        self._members = np.zeros((len(names), len(self._candidates)), dtype=np.float32)
        for column, (_, indices, _) in enumerate(self._candidates):
            self._members[indices, column] = 1
        # Classes come first, so a class is its own column; the narrowest kind of each is met first.
        self._narrowest: dict[int, int] = {}
        for column in range(len(names), len(self._candidates)):
            for index in self._candidates[column][1]:
                self._narrowest.setdefault(index, column)

    def name(self, seen: Mapping[str, Vector]) -> Labels:
        """At most four labels, the whole frame's first, by confidence; () when nothing is sure.

        ``seen`` maps the region ("" for the whole frame, first) to the probabilities of its views
        [views, classes]. A region shows less than the frame, so it must be surer, and adds nothing
        that was said already, in general ("cat" for "tabby cat") or more exactly.
        """
        said = np.zeros(len(self._members), dtype=bool)
        labels: list[Label] = []
        for region, views in seen.items():
            labels += self._pick(views, said, region)
        return tuple(labels[:MAX_LABELS])

    def may_name_region(self, probabilities: Vector) -> bool:
        """Whether one view of a region, [classes], is sure enough to be worth another view."""
        return bool((probabilities @ self._members >= self._region_limits).any())

    def _pick(self, views: Vector, said: NDArray[np.bool_], region: str) -> list[Label]:
        """The sure names that cover no class in ``said``; adds the classes they cover to it."""
        confidence = (views @ self._members).min(axis=0)
        labels: list[Label] = []
        # Candidates are sorted narrow to broad, so a kind finds the classes named before it said.
        for column in np.flatnonzero(confidence >= (self._region_limits if region else self._limits)):
            name, indices, _ = self._candidates[column]
            kind = self._narrowest.get(int(column))
            hedged = kind is not None and confidence[column] < SIBLING_SHARE * confidence[kind]
            if not hedged and not said[indices].any():
                labels.append(Label(name, min(float(confidence[column]), 1.0), region))
                said[indices] = True
        return sorted(labels, key=lambda label: -label.confidence)


def _kind_threshold(kind: Kind, min_confidence: float) -> float:
    return min_confidence + (BROAD_MARGIN if len(kind.classes) > BROAD_CLASSES else KIND_MARGIN)
