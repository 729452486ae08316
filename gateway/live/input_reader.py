"""What a response is given instead of the conversation, as the model reads it."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.backend import Backend
from gateway.live.item_reader import ItemReader, written_text
from gateway.live.reading import Reading
from llm.answer import Given
from llm.passage import Passage
from llm.visual import VisualTokens
from streams.clock import Clock
from streams.conversation import FunctionCall, FunctionOutput, ImageContent, Item, ItemReference, Message
from streams.item_list import ItemList


class InputReader:
    """Understands items without remembering them; what they refer to is in ``conversation``."""

    def __init__(
        self, backend: Backend, reader: ItemReader, reading: Reading, conversation: ItemList, clock: Clock
    ) -> None:
        self._engine = backend.engine
        self._chat = backend.reader.chat
        self._reader = reader
        self._reading = reading
        self._conversation = conversation
        self._clock = clock

    async def check(self, items: Sequence[Item | ItemReference]) -> None:
        """Raises InvalidRequestError for an item that is more than can be read."""
        for index, item in enumerate(items):
            if not isinstance(item, ItemReference):
                await self._reading.check_text(written_text(item), f"input[{index}]")

    async def read(self, items: Sequence[Item | ItemReference]) -> Given:
        """Raises InvalidRequestError for an item that has left the conversation since."""
        known: list[tuple[Item, list[str | VisualTokens]]] = []
        for each in items:
            item = self._conversation.get(each.id) if isinstance(each, ItemReference) else each
            if isinstance(item, Message):
                item = await self._reader.understand(item, in_conversation=False)
            parts = item.content if isinstance(item, Message) else ()
            pictures = [await self._reader.picture(part) for part in parts if isinstance(part, ImageContent)]
            known.append((item, pictures))
        # After what is not the user's there is no question: the model goes on from it.
        last = known[-1][0] if known else None
        question = written_text(last) if isinstance(last, Message) and last.role == "user" else ""
        now_us = self._clock.now_us()

        def passages() -> tuple[Passage, ...]:
            return tuple(passage for each in known for passage in self._passages(*each, now_us))

        return Given(await self._engine.run(passages), question)

    def _passages(self, item: Item, pictures: Sequence[str | VisualTokens], now_us: int) -> list[Passage]:
        match item:
            case FunctionCall(name=name, arguments=arguments):
                return [self._chat.call(name, arguments)]
            case FunctionOutput(output=output):
                return [self._chat.output(now_us, output)]
            case Message(role=role):
                seen = [self._chat.sight(now_us, picture) for picture in pictures if picture]
                words = written_text(item)
                return [*seen, *([self._chat.message(role, now_us, words)] if words else [])]
