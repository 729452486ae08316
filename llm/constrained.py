"""Chooses tokens that a grammar allows, by the library llguidance."""

from __future__ import annotations

import numpy as np
import torch
from llguidance import LLMatcher, LLTokenizer
from llguidance.hf import from_tokenizer
from torch import Tensor
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from llm.sampler import Sampler
from streams.errors import ModelError


def grammar_tokenizer(tokenizer: PreTrainedTokenizerBase) -> LLTokenizer:
    """What grammars need to know of the model's tokens; takes about a second. Raises ModelError."""
    try:
        return from_tokenizer(tokenizer)
    except (ValueError, TypeError) as error:
        raise ModelError(
            f"no grammar can be told in the model's tokens: {error}", param="models.llm"
        ) from None


class ConstrainedSampler:
    """Samples among the tokens that go on towards a sentence of the grammar."""

    def __init__(self, sampler: Sampler, tokenizer: LLTokenizer, grammar: str) -> None:
        """Raises ModelError when the grammar is none."""
        self._sampler = sampler
        self._matcher = LLMatcher(tokenizer, grammar)
        self._check()

    @property
    def complete(self) -> bool:
        """Whether what was written is a sentence that nothing can be added to."""
        self._check()
        return bool(self._matcher.is_stopped())

    def forced(self) -> list[int]:
        """Tokens that are the only way on; they count as written."""
        tokens: list[int] = self._matcher.compute_ff_tokens()
        self._matcher.consume_tokens(tokens)
        self._check()
        return tokens

    def sample(self, logits: Tensor) -> int:
        """The next token id from ``logits`` float32 [vocab]."""
        mask = np.unpackbits(np.frombuffer(self._matcher.compute_bitmask(), np.uint8), bitorder="little")
        self._check()
        allowed = torch.from_numpy(mask[: len(logits)].astype(bool)).to(logits.device)
        token = self._sampler.sample(logits[: len(allowed)].masked_fill(~allowed, -torch.inf))
        self._matcher.consume_token(token)
        self._check()
        return token

    def _check(self) -> None:
        if self._matcher.is_error():
            raise ModelError(f"the grammar of a call failed: {self._matcher.get_error()}")
