"""Whether an answer calls a function, and which one."""

from __future__ import annotations

import json
from collections.abc import Generator

import numpy as np
from torch import Tensor

from llm.constrained import ConstrainedSampler
from llm.context import Context
from llm.passage import Passage
from llm.reader import Reader
from llm.sampler import Sampler
from llm.sinks import Tools
from streams.conversation import Tool

CALL_SIMILARITY = 0.22
"""How near the meanings of a question and of a tool's description are when it is called.

Chosen on one half of the questions of ``streams bench tools``, and measured there on the other.
"""


class Calling:
    """Chooses one of ``tools``, or none where nothing must be called.

    A model that was trained to call functions decides itself. One that was not (its chat template knows
    none) opens calls no more likely when one is due than else; its tool is the one whose description is
    nearest to the question in meaning, where there is a model of meanings.
    """

    def __init__(self, reader: Reader, tools: Tools, must_call: bool) -> None:
        self._reader = reader
        self._tools = tools
        self._must_call = must_call
        self._format = reader.chat.calls

    @property
    def room(self) -> int:
        """Tokens that a call takes beside its arguments, at most."""
        # No token is shorter than a character, in whatever pieces a name is written.
        return max((len(self._format.call(tool.name, "")) for tool in self._tools), default=0)

    def choose(self, question: str, logits: Tensor, context: Context) -> Generator[None, None, Tool | None]:
        """``logits`` are the reply's first, after what ``context`` holds, which is the same afterwards."""
        if not self._tools:
            return None
        if self._must_call and len(self._tools) == 1:
            return self._tools[0]
        if question and self._reader.embedder is not None and not self._format.native:
            return self._nearest(question)
        if not self._must_call and int(logits.argmax()) != self._reader.chat.ids(self._format.start)[0]:
            return None
        return (yield from self._likeliest(context))

    def _nearest(self, question: str) -> Tool | None:
        told = [tool.description or tool.name.replace("_", " ") for tool in self._tools]
        asked, *meanings = (self._reader.embedding(text) for text in (question, *told))
        similarities = [float(np.dot(asked, meaning)) for meaning in meanings]
        best = int(np.argmax(similarities))
        return self._tools[best] if self._must_call or similarities[best] >= CALL_SIMILARITY else None

    def _likeliest(self, context: Context) -> Generator[None, None, Tool]:
        """The tool whose name the model writes when it has to write one."""
        reader, appended = self._reader, context.appended
        names = " | ".join(json.dumps(tool.name) for tool in self._tools)
        greedy = Sampler(temperature=0, top_p=1, repetition_penalty=1, seed=0)
        name = ConstrainedSampler(greedy, reader.chat.grammar_tokenizer, f'start: ({names}) "\\""')
        written: list[int] = []
        unread = reader.chat.ids(self._format.start)
        while not name.complete:
            yield
            hidden = yield from reader.prefill([Passage.of(unread)], context)
            unread = name.forced() or [name.sample(reader.backbone.logits(hidden))]
            written += unread
        context.truncate(appended)
        chosen = reader.chat.text(written).removesuffix('"')
        return next(tool for tool in self._tools if tool.name == chosen)
