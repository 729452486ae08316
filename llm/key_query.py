"""What a question looks for in memory, by the model's own queries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from llm.context import Context
from llm.passage import Passage
from llm.reader import Reader
from memory.block import Block

GENERAL_QUESTIONS = ("What did you see?", "When did you see that?", "Who was there?")
"""What could be asked of anything: read before a question, to know what all questions have in common."""

QUERY_TOKENS = 192
"""Of a longer question only its end looks for blocks."""


def key_query(
    reader: Reader, asked: Passage, at_us: int, before: Sequence[Block], context: Context
) -> NDArray[np.float32]:
    """What ``asked`` looks for, after ``before``: [index layers, dim]. Mutates ``context``.

    Most of a question's mean query is the same for all questions in the same place, and favours
    the same blocks whatever is asked. So a few general questions are read in front of it, in the
    same pass, and what it has in common with them is taken away.
    """
    general = [reader.chat.question(at_us, question) for question in GENERAL_QUESTIONS]
    start = max(asked.start, asked.end - QUERY_TOKENS)
    ids = [*(token for passage in general for token in passage.ids), *asked.ids[start : asked.end]]
    reader.assemble(context, before, len(ids))
    reader.backbone.forward(reader.backbone.embed(ids), context, observe=True)
    queries = context.take_queries()
    offset, means = 0, []
    for passage in general:
        means.append(reader.digester.query(queries, offset + passage.start, offset + passage.end))
        offset += len(passage.ids)
    own = reader.digester.query(queries, offset, len(ids))
    sought: NDArray[np.float32] = (own - torch.stack(means).mean(0)).numpy()
    return sought
