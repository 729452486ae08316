"""How well a backbone foretells a text: perplexity, teacher forced."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pydoc_data.topics import topics

import torch

from llm.backbone import Backbone
from llm.chat import ChatFormat
from streams.errors import ConfigError

TOPICS = ("objects", "execmodel", "import", "customization")


def prose_ids(chat: ChatFormat, tokens: int) -> list[int]:
    """The first tokens of English prose that comes with Python: chapters of its language reference.

    Raises ConfigError when there are fewer.
    """
    ids: list[int] = []
    for name in TOPICS:
        if len(ids) < tokens:
            ids += chat.ids(f"{topics[name]}\n\n")
    if len(ids) < tokens:
        raise ConfigError(f"the text has only {len(ids)} tokens", param="--text-tokens")
    return ids[:tokens]


def perplexity(backbone: Backbone, ids: Sequence[int], chunk_tokens: int) -> float:
    """Of each token of ``ids`` after all before it. In chunks of 1 every product is a one-token step."""
    context = backbone.new_context()
    context.assemble([], len(ids))
    loss = 0.0
    for start in range(0, len(ids) - 1, chunk_tokens):
        end = min(start + chunk_tokens, len(ids) - 1)
        logits = backbone.logits(backbone.forward(backbone.embed(ids[start:end]), context))
        targets = torch.tensor(ids[start + 1 : end + 1], device=logits.device)
        loss += torch.nn.functional.cross_entropy(logits, targets, reduction="sum").item()
    return math.exp(loss / (len(ids) - 1))
