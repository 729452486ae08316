"""How sure a connector has to be: of words that captions say, and that a picture is a photograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from llm.connector import Connector
from streams.train.features import Features
from streams.train.labels import UNKNOWN, labels
from streams.train.sample import Facts
from streams.train.seeing import WEIGHTS

FALLBACK = 0.9
STEEPNESS = 6.0
"""The gate's logit of a usual drawing, below that of the last one that is taken for one."""
DRAWINGS_KEPT = 0.98
"""Share of validation's drawings that are taken for drawings: all else may be photographs."""


@torch.no_grad()
def calibrate(connector: Connector, features: Features, facts: Sequence[Facts], precision: float) -> None:
    """Mutates ``connector``: its gate's bias, and the configuration's ``sure``.

    The gate has seen few photographs, but many drawings: what is unlike these is taken for a photograph.
    A word is sure from the lowest probability on at which ``precision`` of validation's words are right.
    """
    connector.eval()
    gates = torch.cat([connector(batch).logits["photograph"] for batch in _batches(features)])
    edge = gates.quantile(DRAWINGS_KEPT)
    steepness = STEEPNESS / (edge - gates.median()).clamp(min=1e-3)
    connector.gate.weight.mul_(steepness)
    connector.gate.bias.sub_(edge).mul_(steepness)
    asked = labels(facts, connector.config)
    found: dict[str, list[Tensor]] = {kind: [] for kind in WEIGHTS}
    for batch in _batches(features):
        words = connector(batch).words
        for kind in WEIGHTS:
            found[kind].append(words[kind])
    sure = {kind: _limit(torch.cat(found[kind]), asked[kind], precision) for kind in WEIGHTS}
    connector.config = replace(connector.config, sure=sure)


def _limit(probabilities: Tensor, right: Tensor, precision: float) -> float:
    """Of [pictures, slots, words] and the right words' numbers [pictures, slots]."""
    best, word = probabilities.max(-1)
    said = (right != UNKNOWN) & (word != 0)
    confidence, order = best[said].sort(descending=True)
    hits = (word == right)[said][order].float().cumsum(0)
    shares = hits / torch.arange(1, len(hits) + 1)
    enough = (shares >= precision).nonzero()
    return round(float(confidence[enough[-1, 0]]), 4) if len(enough) else FALLBACK


def _batches(features: Features, size: int = 256) -> list[Tensor]:
    return [
        torch.from_numpy(np.asarray(features[start : start + size], np.float32))
        for start in range(0, len(features), size)
    ]
