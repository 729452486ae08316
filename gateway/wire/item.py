"""Items of the conversation as a client may send them."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from gateway.wire.base import Id, Text, Wire, only

MAX_PARTS = 64

FunctionName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class ContentPart(Wire):
    """Which fields belong to which ``type`` is checked where the part becomes content."""

    type: Literal["input_text", "input_audio", "input_image", "output_text", "output_audio"]
    text: Text | None = None
    audio: str | None = None
    transcript: Text | None = None
    image_url: str | None = None
    detail: Annotated[Literal["auto"] | None, only(None, "auto")] = None


class ItemBase(Wire):
    id: Id | None = None
    object: Literal["realtime.item"] | None = None
    status: Literal["completed", "incomplete", "in_progress"] | None = None


class MessageItem(ItemBase):
    type: Literal["message"]
    role: Literal["user", "assistant", "system"]
    content: Annotated[list[ContentPart], Field(min_length=1, max_length=MAX_PARTS)]


class FunctionCallItem(ItemBase):
    """A call as the conversation's past: clients have none to make."""

    type: Literal["function_call"]
    name: FunctionName
    arguments: Text
    call_id: Id | None = None


class FunctionOutputItem(ItemBase):
    type: Literal["function_call_output"]
    call_id: Id
    output: Text


class ItemReference(Wire):
    """An item of the conversation, among what a response is given."""

    type: Literal["item_reference"]
    id: Id


MAX_INPUT_ITEMS = 128

AnyItem: TypeAlias = Annotated[
    MessageItem | FunctionCallItem | FunctionOutputItem, Field(discriminator="type")
]
InputItem: TypeAlias = Annotated[
    MessageItem | FunctionCallItem | FunctionOutputItem | ItemReference, Field(discriminator="type")
]
InputItems = Annotated[list[InputItem], Field(max_length=MAX_INPUT_ITEMS)]
