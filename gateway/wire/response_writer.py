"""One response on the wire: its events in the order of the API, from created to done."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.wire.server_event import ServerEvent, audio_deltas, item_to_wire, response_to_wire
from speech.audio_format import AudioEncoder, AudioFormat
from streams.conversation import AudioContent, FunctionCall, Item, Message, TextContent
from streams.events import (
    ArgumentsDelta,
    AudioDelta,
    ResponseCreated,
    ResponseDone,
    ResponseItemAdded,
    ResponseStatus,
    TextDelta,
)


class ResponseWriter:
    """Remembers what was said so far, for the events that end each part.

    A response writes at most one item: a message with one part, which is spoken with its transcript or is
    text, or a function call.
    """

    def __init__(
        self,
        created: ResponseCreated,
        *,
        conversation_id: str,
        metadata: dict[str, str] | None,
        audio_format: AudioFormat,
    ) -> None:
        self._id = created.response_id
        self._options = created.options
        self._in_conversation = created.in_conversation
        self._conversation_id = conversation_id if created.in_conversation else None
        self._metadata = metadata
        self._encoder = AudioEncoder(audio_format)
        self._added: ResponseItemAdded | None = None
        self._text: list[str] = []

    @property
    def _spoken(self) -> bool:
        return self._options.modality == "audio"

    def created(self) -> list[ServerEvent]:
        return [{"type": "response.created", "response": self._response()}]

    def item_added(self, event: ResponseItemAdded) -> list[ServerEvent]:
        self._added = event
        item = item_to_wire(event.item)
        events = [self._of_output("response.output_item.added", item=item)]
        if self._in_conversation:
            events.append(self._of_conversation("conversation.item.added", item))
        if isinstance(event.item, Message):
            events.append(self._of_part("response.content_part.added", part=self._part("")))
        return events

    def text_delta(self, event: TextDelta) -> list[ServerEvent]:
        if not event.text:
            return []
        self._text.append(event.text)
        return [self._of_part(f"response.{self._text_kind}.delta", delta=event.text)]

    def arguments_delta(self, event: ArgumentsDelta) -> list[ServerEvent]:
        self._text.append(event.text)
        return [self._of_call("response.function_call_arguments.delta", delta=event.text)]

    def audio_delta(self, event: AudioDelta) -> list[ServerEvent]:
        return self._audio(self._encoder.push(event.chunk))

    def _audio(self, data: bytes) -> list[ServerEvent]:
        kind = "response.output_audio.delta"
        return [self._of_part(kind, delta=delta) for delta in audio_deltas(data, self._encoder.format)]

    def done(self, event: ResponseDone) -> list[ServerEvent]:
        output = event.item or self._unfinished()
        events = [] if output is None else self._item_done(output, event.status)
        return [*events, {"type": "response.done", "response": self._response(event, output)}]

    def _response(self, done: ResponseDone | None = None, output: Item | None = None) -> dict[str, Any]:
        return response_to_wire(
            self._id,
            self._options,
            conversation_id=self._conversation_id,
            metadata=self._metadata,
            audio_format=self._encoder.format,
            done=done,
            output=output,
        )

    def _unfinished(self) -> Item | None:
        """The item as far as it came, when the response ended without one of its own."""
        if self._added is None:
            return None
        text = "".join(self._text)
        item = self._added.item
        if isinstance(item, FunctionCall):
            return replace(item, arguments=text, status="incomplete")
        content = AudioContent(text) if self._spoken else TextContent(text)
        return Message(item.id, item.role, (content,) if text else (), "incomplete")

    def _item_done(self, output: Item, status: ResponseStatus) -> list[ServerEvent]:
        item = item_to_wire(output)
        events: list[ServerEvent] = []
        if isinstance(output, FunctionCall):
            kind = "response.function_call_arguments.done"
            events.append(self._of_call(kind, name=output.name, arguments=output.arguments))
        else:
            events += self._part_done(status)
        if self._in_conversation:
            events.append(self._of_conversation("conversation.item.done", item))
        events.append(self._of_output("response.output_item.done", item=item))
        return events

    def _part_done(self, status: ResponseStatus) -> list[ServerEvent]:
        text = "".join(self._text)
        events: list[ServerEvent] = []
        if self._spoken:
            if status != "cancelled":  # then no sound comes any more
                events += self._audio(self._encoder.flush())
            events.append(self._of_part("response.output_audio.done"))
        full = {"transcript": text} if self._spoken else {"text": text}
        events.append(self._of_part(f"response.{self._text_kind}.done", **full))
        events.append(self._of_part("response.content_part.done", part=self._part(text)))
        return events

    @property
    def _text_kind(self) -> str:
        return "output_audio_transcript" if self._spoken else "output_text"

    def _part(self, text: str) -> dict[str, Any]:
        return {"type": "audio", "transcript": text} if self._spoken else {"type": "text", "text": text}

    def _of_conversation(self, kind: str, item: dict[str, Any]) -> ServerEvent:
        assert self._added is not None
        return {"type": kind, "previous_item_id": self._added.previous_item_id, "item": item}

    def _of_output(self, kind: str, **fields: Any) -> ServerEvent:
        return {"type": kind, "response_id": self._id, "output_index": 0, **fields}

    def _of_call(self, kind: str, **fields: Any) -> ServerEvent:
        assert self._added is not None, f"{kind} of a response that has no item yet"
        call = self._added.item
        assert isinstance(call, FunctionCall), f"{kind} of a message"
        return self._of_output(kind, item_id=call.id, call_id=call.call_id, **fields)

    def _of_part(self, kind: str, **fields: Any) -> ServerEvent:
        assert self._added is not None, f"{kind} of a response that has no item yet"
        item_id = self._added.item.id
        return self._of_output(kind, item_id=item_id, content_index=0, **fields)
