"""What happens to the items of a conversation: rules without I/O."""

from __future__ import annotations

from dataclasses import replace

from streams.conversation import (
    AudioContent,
    FunctionCall,
    FunctionOutput,
    Item,
    ItemStatus,
    Message,
    SessionOptions,
    TextContent,
)
from streams.events import ItemAdded, ItemDeleted, ItemDone, ItemRetrieved, ItemTruncated
from streams.identifier import new_id
from streams.item_list import ItemList
from streams.outcome import Outcome


class ItemRules:
    """The list of items, and what is told of each change."""

    def __init__(self) -> None:
        self.items = ItemList()

    def item_created(self, item: Item, previous_item_id: str | None) -> list[Outcome]:
        """A client added an item. Raises InvalidRequestError for an id or a place that cannot be."""
        if isinstance(item, FunctionOutput):
            self.items.call_of(item)
        previous = self.items.add(item, previous_item_id)
        return [ItemAdded(item, previous), ItemDone(item, previous)]

    def item_wanted(self, item_id: str) -> list[Outcome]:
        """Raises InvalidRequestError when there is no such item."""
        return [ItemRetrieved(self.items.get(item_id))]

    def item_removed(self, item_id: str) -> list[Outcome]:
        """Raises InvalidRequestError when there is no such item."""
        self.items.remove(item_id)
        return [ItemDeleted(item_id)]

    def reply_text(self, item_id: str) -> str:
        """What a reply is known to have said so far; the item is here."""
        item = self.items.get(item_id)
        parts = item.content if isinstance(item, Message) else ()
        return "".join(part.transcript or "" for part in parts if isinstance(part, AudioContent))

    def reply_truncated(
        self, item_id: str, content_index: int, audio_end_us: int, text: str
    ) -> list[Outcome]:
        """Of a spoken reply, which is here, only ``text`` was heard."""
        item = self.items.get(item_id)
        assert isinstance(item, Message), "only a message is spoken"
        self.items.replace(replace(item, content=(AudioContent(text),)))
        return [ItemTruncated(item_id, content_index, audio_end_us)]

    def reply_started(
        self, in_conversation: bool, call: str | None = None
    ) -> tuple[Message | FunctionCall, str | None]:
        """The reply's item, still empty, and the item before it. ``call`` names the function it calls."""
        item: Message | FunctionCall
        if call is None:
            item = Message(new_id("item"), "assistant", (), "in_progress")
        else:
            item = FunctionCall(new_id("item"), new_id("call"), call, "", "in_progress")
        return item, self.items.add(item) if in_conversation else self.items.last

    def reply_finished(
        self, item: Message | FunctionCall, text: str, options: SessionOptions, complete: bool
    ) -> Message | FunctionCall:
        """The reply's item with what was said, or with the arguments of the call."""
        status: ItemStatus = "completed" if complete else "incomplete"
        done: Message | FunctionCall
        if isinstance(item, FunctionCall):
            done = replace(item, arguments=text, status=status)
        else:
            content = TextContent(text) if options.modality == "text" else AudioContent(text)
            done = replace(item, content=(content,), status=status)
        self.items.replace(done)
        return done
