"""What memory is asked for a question: by the model's keys, by what it says, or by both."""

from __future__ import annotations

from llm.context import Context
from llm.key_query import key_query
from llm.passage import Passage
from llm.reader import Reader
from memory.block import Block
from memory.memory import StreamMemory
from memory.recall.policy import Query


def memory_query(
    reader: Reader,
    memory: StreamMemory,
    asked: Passage,
    text: str,
    at_us: int,
    sinks: Block,
    context: Context,
) -> Query:
    """Of ``asked``, which says ``text``: what the policy of ``memory`` compares. Mutates ``context``."""
    keys = embedding = None
    if memory.policy.uses_keys:
        keys = key_query(reader, asked, at_us, [sinks, *memory.recent()], context)
    if memory.policy.uses_embedding:
        embedding = reader.embed([text])[0]
    return Query(at_us, keys, embedding)
