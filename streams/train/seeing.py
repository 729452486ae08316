"""Stage 1: the connector learns which words are true of a picture. No language model takes part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from llm.connector import Connector
from streams.train.features import Features
from streams.train.labels import UNKNOWN, labels
from streams.train.loop import Figures, Rate
from streams.train.sample import Facts

WEIGHTS: Mapping[str, float] = {"name": 1.0, "colour": 0.4, "place": 0.4, "count": 0.4, "text": 0.6}


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """Pictures by their features, and what they show. ``photographs`` are features of real ones, which have
    no other label: how the gate tells them from drawings."""

    features: Features
    facts: Sequence[Facts]
    photographs: Features


class Seeing:
    """``Stage`` of the connector, computed where that is; pictures and labels come from the CPU."""

    name = "seeing"

    def __init__(
        self,
        connector: Connector,
        train: Looks,
        validation: Looks,
        *,
        batch: int,
        rate: float,
        decay: float,
        smoothing: float,
        seed: int,
        mixed: bool = False,
    ) -> None:
        """``mixed`` computes in bfloat16 where that loses little; weights and losses stay float32."""
        self.module: nn.Module = connector
        self._connector = connector
        self._train, self._validation = train, validation
        self._labels = labels(train.facts, connector.config)
        self._asked = labels(validation.facts, connector.config)
        self._batch, self._rate, self._decay = batch, rate, decay
        self._smoothing, self._seed, self._mixed = smoothing, seed, mixed

    def rates(self) -> Sequence[Rate]:
        kept = {"narrow.weight", "widen"}  # the residual is for the next stage
        named = [
            (name, parameter)
            for name, parameter in self._connector.named_parameters()
            if parameter.requires_grad and name not in kept
        ]
        return [
            Rate([p for _, p in named if p.ndim > 1], self._rate, self._decay),
            Rate([p for _, p in named if p.ndim <= 1], self._rate),
        ]

    def step(self, number: int) -> Figures:
        """Batches go through a shuffled epoch after another; an eighth of each are photographs."""
        drawn = self._batch * 7 // 8
        rows = _rows(len(self._train.facts), drawn, number, self._seed)
        photos = _rows(len(self._train.photographs), self._batch - drawn, number, self._seed + 1)
        loss, figures = self._loss(self._train, rows, photos, self._labels)
        torch.autograd.backward(loss)
        return {**figures, "loss": loss.item()}

    def _loss(
        self, looks: Looks, rows: np.ndarray, photos: np.ndarray, asked: Mapping[str, Tensor]
    ) -> tuple[Tensor, Figures]:
        features = [torch.from_numpy(looks.features[rows])]
        if len(photos):
            features.append(torch.from_numpy(looks.photographs[photos]))
        device = _device_of(self._connector)
        looked = torch.cat(features).to(device, torch.bfloat16 if self._mixed else torch.float32)
        with torch.autocast(device.type, torch.bfloat16, enabled=self._mixed):
            seen = self._connector(looked)
        real = torch.arange(len(rows) + len(photos), device=device) >= len(rows)
        smoothing = self._smoothing if self._connector.training else 0.0
        losses = {
            kind: _word_loss(
                seen.logits[kind][: len(rows)].flatten(0, 1).float(),
                asked[kind][torch.from_numpy(rows)].flatten().to(device),
                smoothing,
            )
            for kind in WEIGHTS
        }
        gate = binary_cross_entropy_with_logits(seen.logits["photograph"].float(), real.float())
        total = gate + sum(WEIGHTS[kind] * loss for kind, loss in losses.items())
        assert isinstance(total, Tensor)
        return total, {kind: loss.item() for kind, loss in losses.items()} | {"gate": gate.item()}

    def evaluate(self) -> Figures:
        """Shares of words that are right, where there is something; the gate's on each side."""
        words = read_words(self._connector, self._validation.features)
        figures: dict[str, float] = {}
        for kind in WEIGHTS:
            found, right = words[kind], self._asked[kind]
            there = (right != UNKNOWN) & (right > 0)
            figures[kind] = float((found == right)[there].float().mean()) if there.any() else 0.0
            none = right == 0
            figures[f"{kind}_none"] = float((found == 0)[none].float().mean()) if none.any() else 0.0
        figures["drawing"] = float((words["photograph"] < 0.5).float().mean())
        if len(self._validation.photographs):
            gates = read_words(self._connector, self._validation.photographs)["photograph"]
            figures["photograph"] = float((gates >= 0.5).float().mean())
        return figures


def _word_loss(logits: Tensor, asked: Tensor, smoothing: float) -> Tensor:
    """The mean over what is known of ``asked`` [n]; 0 where nothing is. ``logits`` are [n, words]."""
    total = cross_entropy(logits, asked, ignore_index=UNKNOWN, label_smoothing=smoothing, reduction="sum")
    return total / (asked != UNKNOWN).sum().clamp(min=1)


@torch.no_grad()
def read_words(connector: Connector, features: Features, batch: int = 256) -> dict[str, Tensor]:
    """The likeliest word of each kind [pictures, slots] by number, and how much it is a ``photograph``.

    Both are on the CPU.
    """
    device = _device_of(connector)
    found: dict[str, list[Tensor]] = {kind: [] for kind in (*WEIGHTS, "photograph")}
    for start in range(0, len(features), batch):
        looked = torch.from_numpy(np.asarray(features[start : start + batch], np.float32))
        seen = connector(looked.to(device))
        for kind in WEIGHTS:
            found[kind].append(seen.words[kind].argmax(-1).cpu())
        found["photograph"].append(seen.photograph.cpu())
    return {kind: torch.cat(parts) for kind, parts in found.items()}


def _device_of(connector: Connector) -> torch.device:
    return connector.where.device


def _rows(count: int, wanted: int, number: int, seed: int) -> np.ndarray:
    """``wanted`` of ``count`` rows for batch ``number``: each once an epoch, in an order of its own, sorted.

    What does not fill a batch at an epoch's end is left for the next one, which has another order.
    """
    if not count:
        return np.empty(0, np.int64)
    if wanted > count:
        return np.sort(np.random.default_rng((seed, number)).integers(0, count, wanted))
    epoch, place = divmod(number, count // wanted)
    order = np.random.default_rng((seed, epoch)).permutation(count)
    return np.sort(order[place * wanted : (place + 1) * wanted])
