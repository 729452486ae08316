"""The items of a conversation, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from streams.conversation import (
    FIRST,
    AudioContent,
    Content,
    FunctionCall,
    FunctionOutput,
    ImageContent,
    Item,
    ItemReference,
    Message,
    TextContent,
)
from streams.errors import InvalidRequestError

MAX_ITEMS = 2_000
"""Past this the oldest items leave the list; what they said stays in memory, like everything."""


class ItemList:
    """Finds items by id and by the item that they come after."""

    def __init__(self, max_items: int = MAX_ITEMS) -> None:
        self._max_items = max_items
        self._items: dict[str, Item] = {}
        self._order: list[str] = []

    def __len__(self) -> int:
        return len(self._order)

    @property
    def last(self) -> str | None:
        return self._order[-1] if self._order else None

    def add(self, item: Item, previous_item_id: str | None = None) -> str | None:
        """Put ``item`` after the one named, last when None, first for ``FIRST``.

        It is kept without its pictures and sound, which memory has understood by then.

        Returns the id of the item before it. Raises InvalidRequestError for an id that is taken, a call's
        too, and for a place that is not there.
        """
        if item.id in self._items:
            raise InvalidRequestError(
                f"there is an item '{item.id}' already", param="item.id", code="item_already_exists"
            )
        if isinstance(item, FunctionCall) and self.call(item.call_id) is not None:
            raise InvalidRequestError(
                f"there is a function call '{item.call_id}' already",
                param="item.call_id",
                code="item_already_exists",
            )
        place = self._place(previous_item_id)
        self._items[item.id] = _listed(item)
        self._order.insert(place, item.id)
        before = self._order[place - 1] if place else None
        if len(self._order) > self._max_items:
            del self._items[self._order.pop(0)]
        return before

    def _place(self, previous_item_id: str | None) -> int:
        if previous_item_id is None:
            return len(self._order)
        if previous_item_id == FIRST:
            return 0
        self.get(previous_item_id, param="previous_item_id")
        return self._order.index(previous_item_id) + 1

    def get(self, item_id: str, param: str = "item_id") -> Item:
        """Raises InvalidRequestError, with ``param`` at fault, when there is no such item."""
        item = self._items.get(item_id)
        if item is None:
            raise InvalidRequestError(f"there is no item '{item_id}'", param=param, code="item_not_found")
        return item

    def call(self, call_id: str) -> FunctionCall | None:
        """The function call of this id, if it is here."""
        calls = (item for item in self._items.values() if isinstance(item, FunctionCall))
        return next((call for call in calls if call.call_id == call_id), None)

    def call_of(
        self,
        output: FunctionOutput,
        among: Sequence[Item | ItemReference] = (),
        param: str = "item.call_id",
    ) -> FunctionCall:
        """The call that gave this, ``among`` these items or in the conversation.

        Raises InvalidRequestError, with ``param`` at fault, when there is none.
        """
        calls = (item for item in among if isinstance(item, FunctionCall))
        given = next((call for call in calls if call.call_id == output.call_id), None)
        call = given or self.call(output.call_id)
        if call is None:
            raise InvalidRequestError(
                f"there is no function call '{output.call_id}'", param=param, code="item_not_found"
            )
        return call

    def check(self, given: Sequence[Item | ItemReference]) -> None:
        """Raises InvalidRequestError for what a response is given and refers to nothing."""
        for index, item in enumerate(given):
            match item:
                case ItemReference(item_id):
                    self.get(item_id, param=f"input[{index}].id")
                case FunctionOutput():
                    self.call_of(item, given, param=f"input[{index}].call_id")

    def remove(self, item_id: str) -> None:
        """Raises InvalidRequestError when there is no such item."""
        self.get(item_id)
        del self._items[item_id]
        self._order.remove(item_id)

    def replace(self, item: Item) -> None:
        """Put ``item`` in the place of the one with its id; nothing happens when that has left."""
        if item.id in self._items:
            self._items[item.id] = _listed(item)


def _listed(item: Item) -> Item:
    if not isinstance(item, Message):
        return item
    return replace(item, content=tuple(_light(part) for part in item.content))


def _light(part: Content) -> Content:
    match part:
        case ImageContent(image, shows=shows):
            return ImageContent(image[:0], shows=shows)
        case AudioContent(transcript):
            return AudioContent(transcript)
        case TextContent():
            return part
