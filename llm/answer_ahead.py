"""An answer that is begun before it is known that it is wanted."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from typing import Any

from llm.answer import Answer
from streams.types import Moment, Token


class AnswerAhead(Answer):
    """Written as any other, from wherever it has come by then: ``prepare`` and ``step`` give that first.

    ``prepare_ahead`` and ``step_ahead`` may be left off anywhere. All of them run on the engine thread.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._moments: tuple[Moment, ...] | None = None
        self._preparing = self._prepare_once()
        self._ready: deque[Token] = deque()

    def _prepare_once(self) -> Generator[None, None, None]:
        self._moments = yield from super().prepare()

    def prepare_ahead(self) -> Generator[None, None, None]:
        # Not ``yield from``, with which whoever leaves off here would close what is to be gone on with.
        for _ in self._preparing:
            yield

    def step_ahead(self, now_us: int) -> Token | None:
        """The next token, which ``step`` will give; None when the answer is complete."""
        token = super().step(now_us)
        if token is not None:
            self._ready.append(token)
        return token

    def prepare(self) -> Generator[None, None, tuple[Moment, ...]]:
        yield from self.prepare_ahead()
        assert self._moments is not None, "what failed ahead is not gone on with"
        return self._moments

    def step(self, now_us: int) -> Token | None:
        return self._ready.popleft() if self._ready else super().step(now_us)
