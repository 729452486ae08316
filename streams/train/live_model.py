"""What stage 2 trains: a language model with adapters, and the pictures that it is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from llm.connector import TOKENS, Connector, ConnectorOutput, Tables
from llm.lean import rms_norm
from llm.rotary import Rotary
from llm.spec import ModelSpec
from streams.train.attention import SpanAttention
from streams.train.lora import LoraLayers
from streams.train.script import Script
from streams.train.spans import Layout, Span, lay_out


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """The parts of a language model that training leaves as they are."""

    spec: ModelSpec
    rotary: Rotary
    embedding: Tensor
    head: Tensor
    norm: Tensor
    norm_eps: float


@dataclass(frozen=True, slots=True, eq=False)
class SeenPictures:
    """What the connector made of each picture: mixtures of words ``spoken`` [pictures, TOKENS, hidden], and
    ``states`` [pictures, slots, width] for its residual."""

    spoken: Tensor
    states: Tensor


class LiveModel(nn.Module):
    """What stage 2 trains, and the forward pass through it."""

    def __init__(self, frozen: Frozen, layers: LoraLayers, connector: Connector) -> None:
        super().__init__()
        self.frozen = frozen
        self.lora = layers
        self.narrow = connector.narrow
        self.widen = connector.widen
        self._residual = connector.residual

    def forward(self, scripts: Sequence[Script], pictures: SeenPictures) -> Tensor:
        """States after the last norm, [tokens, hidden] of all scripts one after the other."""
        frozen = self.frozen
        device = frozen.spec.device
        ids = torch.tensor([token for script in scripts for token in script.ids], device=device)
        x = frozen.embedding[ids]
        offsets, offset = [], 0
        for script in scripts:
            offsets.append(offset)
            offset += len(script.ids)
        shown = [
            (o + row, number) for o, s in zip(offsets, scripts, strict=True) for row, number in s.pictures
        ]
        if shown:
            numbers = torch.tensor([number for _, number in shown])
            rows = torch.tensor([row for row, _ in shown])[:, None] + torch.arange(TOKENS)
            spoken, states = pictures.spoken[numbers].to(device), pictures.states[numbers].to(device)
            tokens = spoken.float() + self._residual(states.float())
            x = x.index_copy(0, rows.flatten().to(device), tokens.flatten(0, 1).to(x.dtype))
        layout = batch_layout(scripts, frozen.spec.group).to(device)
        attention = SpanAttention(frozen.spec, frozen.rotary, layout)
        for index, layer in enumerate(self.lora.layers):
            x = layer.forward(index, x, attention, frozen.norm_eps)
        return rms_norm(x, frozen.norm, frozen.norm_eps)


def batch_layout(scripts: Sequence[Script], group: int) -> Layout:
    """One layout for all ``scripts``, none of which attends to another."""
    spans: list[Span] = []
    offset = 0
    for script in scripts:
        spans += [
            Span(
                span.start + offset,
                span.end + offset,
                tuple((a + offset, b + offset) for a, b in span.before),
            )
            for span in script.spans
        ]
        offset += len(script.ids)
    return lay_out(spans, group)


@torch.no_grad()
def as_pictures(connector: Connector, seen: ConnectorOutput, tables: Tables) -> SeenPictures:
    """What was ``seen`` as stage 2 keeps it."""
    spoken = connector.spoken(seen, tables)
    return SeenPictures(spoken.to(torch.bfloat16), seen.drawn.to(torch.bfloat16))


@torch.no_grad()
def spoken_pictures(connector: Connector, features: Iterable[Tensor], tables: Tables) -> SeenPictures:
    """What ``connector`` makes of batches of ``features`` [n, 1 + places, channels], in its present mode."""
    return joined([as_pictures(connector, connector(batch), tables) for batch in features])


def joined(pictures: Sequence[SeenPictures]) -> SeenPictures:
    """All of them in one, numbered in this order."""
    return SeenPictures(
        torch.cat([each.spoken for each in pictures]), torch.cat([each.states for each in pictures])
    )
