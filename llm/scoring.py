"""How likely the model finds answers that it is given, in place of writing one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from llm.answer import Answer
from llm.backbone import Backbone
from llm.context import Context
from streams.errors import InvalidRequestError


@dataclass(frozen=True, slots=True)
class Likelihood:
    """``total`` is the natural logarithm of the probability of ``tokens`` tokens one after the other."""

    total: float
    tokens: int

    @property
    def mean(self) -> float:
        """By token, so that long and short texts compare (as ``acc_norm`` of the LM Evaluation Harness)."""
        return self.total / self.tokens


@torch.inference_mode()
def likelihoods(
    backbone: Backbone, context: Context, logits: Tensor, continuations: Sequence[Sequence[int]]
) -> list[Likelihood]:
    """Of each of ``continuations`` (token ids, none empty) after what ``context`` holds.

    ``logits`` [vocab] are the model's for what follows there. The context needs room for all but the last
    token of the longest, and in the end holds what it held before.
    """
    first = logits.float().log_softmax(-1)
    held = context.appended
    found = []
    for ids in continuations:
        total = float(first[ids[0]])
        if len(ids) > 1:
            scores = backbone.logits(backbone.forward(backbone.embed(ids[:-1]), context)).log_softmax(-1)
            total += float(scores.gather(-1, torch.tensor(ids[1:], device=scores.device)[:, None]).sum())
            context.truncate(held)
        found.append(Likelihood(total, len(ids)))
    return found


class ScoredAnswer(Answer):
    """An answer that, once prepared and before its first step, can say how likely given ones are.

    Nothing that it attends to changes by that: it may be written afterwards all the same.
    """

    def weigh(self, texts: Sequence[str]) -> list[Likelihood]:
        """One for each of ``texts``, which may be as long as the answer may be.

        Raises InvalidRequestError for an empty or too long one.
        """
        assert not self.written, "the answer is being written"
        assert self._logits is not None, "the answer was not prepared"
        reader = self._stream.reader
        passages = [reader.chat.message("assistant", 0, text) for text in texts]
        continuations = [passage.ids[passage.start : passage.end] for passage in passages]
        for text, ids in zip(texts, continuations, strict=True):
            if not 0 < len(ids) <= self._max_tokens:
                raise InvalidRequestError(
                    f"'{text}' has {len(ids)} tokens; an answer has 1 to {self._max_tokens}", param="choices"
                )
        return likelihoods(reader.backbone, self._context, self._logits, continuations)
