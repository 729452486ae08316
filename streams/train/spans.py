"""Many forward passes of the engine as one: which tokens each attends to, and at which positions.

The engine reads a frame or a question in a pass of its own, after the blocks that it has put together for
it, at contiguous positions. A training step does all passes of a stream at once: a pass is a span of
tokens, and what came before it is gathered from the other spans' keys before rotation, as the engine does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Range = tuple[int, int]

BUCKETS = (1, 1.3, 1.7, 2.3, 3, 4, 6, 9, 14, 22, 40, 80)
"""Spans share a bucket when their keys are as many within the steps of this ladder: less to pad."""


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens ``start:end`` of a batch, read in one pass after the tokens of ``before``, in that order."""

    start: int
    end: int
    before: tuple[Range, ...] = ()

    @property
    def tokens(self) -> int:
        return self.end - self.start

    @property
    def context(self) -> int:
        return sum(end - start for start, end in self.before)


@dataclass(frozen=True, slots=True, eq=False)
class Bucket:
    """Spans of like length, padded: token numbers of their queries [spans, q] and keys [spans, k].

    ``mask`` [spans, 1, group * q, k] is True where a query attends; query heads of a group are packed
    into the query axis, as the engine packs them.
    """

    queries: Tensor
    keys: Tensor
    mask: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How a batch of ``tokens`` tokens attends. ``positions`` [tokens] is where each stands in its pass;
    ``order`` [tokens] where its row is among the padded queries of all buckets."""

    tokens: int
    positions: Tensor
    buckets: tuple[Bucket, ...]
    order: Tensor

    def to(self, device: torch.device) -> Layout:
        buckets = tuple(
            Bucket(each.queries.to(device), each.keys.to(device), each.mask.to(device))
            for each in self.buckets
        )
        return Layout(self.tokens, self.positions.to(device), buckets, self.order.to(device))


def lay_out(spans: Sequence[Span], group: int) -> Layout:
    """The layout of ``spans``, which cover all tokens from 0 on, in order."""
    tokens = spans[-1].end
    positions = torch.zeros(tokens, dtype=torch.long)
    order = torch.zeros(tokens, dtype=torch.long)
    buckets: list[Bucket] = []
    padded = 0
    for members in _bucketed(spans):
        most_q = max(span.tokens for span in members)
        most_k = max(span.context + span.tokens for span in members)
        queries = torch.zeros(len(members), most_q, dtype=torch.long)
        keys = torch.zeros(len(members), most_k, dtype=torch.long)
        mask = torch.zeros(len(members), most_q, most_k, dtype=torch.bool)
        for row, span in enumerate(members):
            count, before = span.tokens, span.context
            own = torch.arange(span.start, span.end)
            queries[row, :count] = own
            ranges = [torch.arange(start, end) for start, end in span.before]
            keys[row, : before + count] = torch.cat([*ranges, own])
            mask[row, :, :before] = True
            mask[row, :count, before : before + count] = torch.ones(count, count).tril().bool()
            # A padded query attends to something, or its row would be no number.
            mask[row, count:, 0] = True
            positions[span.start : span.end] = torch.arange(before, before + count)
            order[span.start : span.end] = padded + row * most_q + torch.arange(count)
        padded += len(members) * most_q
        buckets.append(Bucket(queries, keys, mask.repeat(1, group, 1)[:, None]))
    return Layout(tokens, positions, tuple(buckets), order)


def _bucketed(spans: Sequence[Span]) -> list[list[Span]]:
    """Spans by how many queries and keys they have, on the ladder."""
    found: dict[tuple[int, int], list[Span]] = {}
    for span in spans:
        rungs = (_rung(span.tokens / 16), _rung((span.context + span.tokens) / 48))
        found.setdefault(rungs, []).append(span)
    return list(found.values())


def _rung(size: float) -> int:
    return next((rung for rung, limit in enumerate(BUCKETS) if size <= limit), len(BUCKETS))
