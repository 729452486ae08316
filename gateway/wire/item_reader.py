"""An item that a client sends, as the conversation's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from pydantic_core import from_json

from gateway.wire import item as wire
from gateway.wire.command import EncodedImage, EncodedMessage, SentItem
from streams.conversation import (
    AudioContent,
    Content,
    FunctionCall,
    FunctionOutput,
    ItemReference,
    TextContent,
)
from streams.errors import InvalidRequestError
from streams.session import new_id
from streams.types import AudioChunk

SoundIn: TypeAlias = Callable[[str, str], AudioChunk]
"""The sound in base64 text, which stands at a path. Raises InvalidRequestError."""

PARTS_OF_ROLE = {
    "user": ("input_text", "input_audio", "input_image"),
    "system": ("input_text",),
    "assistant": ("output_text",),
}
FIELDS_OF_PART = {
    "input_text": ("text",),
    "input_audio": ("audio", "transcript"),
    "input_image": ("image_url", "detail"),
    "output_text": ("text",),
}


def read_item(item: wire.AnyItem, param: str, sound_in: SoundIn) -> SentItem:
    """``param`` is where it stands in its event. Raises InvalidRequestError."""
    item_id, status = item.id or new_id("item"), item.status or "completed"
    match item:
        case wire.MessageItem(role=role):
            content = tuple(
                _content(part, role, f"{param}.content[{index}]", sound_in)
                for index, part in enumerate(item.content)
            )
            return EncodedMessage(item_id, role, content, status)
        case wire.FunctionCallItem():
            call_id = item.call_id or new_id("call")
            _check_arguments(item.arguments, f"{param}.arguments")
            return FunctionCall(item_id, call_id, item.name, item.arguments, status)
        case wire.FunctionOutputItem(call_id=call_id):
            return FunctionOutput(item_id, call_id, item.output, status)


def read_input(
    items: Sequence[wire.InputItem], param: str, sound_in: SoundIn
) -> tuple[SentItem | ItemReference, ...]:
    """As ``read_item``, of the items in a list at ``param``."""
    return tuple(
        ItemReference(item.id)
        if isinstance(item, wire.ItemReference)
        else read_item(item, f"{param}[{index}]", sound_in)
        for index, item in enumerate(items)
    )


def _check_arguments(arguments: str, param: str) -> None:
    try:
        is_object = isinstance(from_json(arguments, allow_inf_nan=False), dict)
    except ValueError:
        is_object = False
    if not is_object:
        raise InvalidRequestError("Arguments are a JSON object, as text", param=param, code="invalid_value")


def _content(part: wire.ContentPart, role: str, param: str, sound_in: SoundIn) -> Content | EncodedImage:
    _check_part(part, role, param)
    match part.type:
        case "input_image":
            return _encoded_image(part.image_url or "", f"{param}.image_url")
        case "input_audio":
            sound = None if part.audio is None else sound_in(part.audio, f"{param}.audio")
            return AudioContent(part.transcript, sound)
        case _:
            return TextContent(part.text or "")


def _check_part(part: wire.ContentPart, role: str, param: str) -> None:
    """The part is one that ``role`` may say, has what its type needs and nothing that it would ignore."""
    if part.type not in PARTS_OF_ROLE[role]:
        allowed = " or ".join(f"'{kind}'" for kind in PARTS_OF_ROLE[role])
        message = f"An item of the {role} holds {allowed}, not '{part.type}'"
        raise InvalidRequestError(message, param=f"{param}.type", code="unsupported_value")
    fields = FIELDS_OF_PART[part.type]
    given = part.model_dump(exclude={"type"}, exclude_none=True)
    if foreign := sorted(given.keys() - set(fields)):
        message = f"'{foreign[0]}' does not belong to '{part.type}'"
        raise InvalidRequestError(message, param=f"{param}.{foreign[0]}", code="invalid_value")
    if not given.keys() & {fields[0], "transcript"}:
        message = f"Missing required parameter: '{param}.{fields[0]}'"
        raise InvalidRequestError(message, param=f"{param}.{fields[0]}", code="missing_required_parameter")


def _encoded_image(url: str, param: str) -> EncodedImage:
    if not url.startswith("data:"):
        message = "Only data: URLs are read; pictures are not fetched from the network"
        raise InvalidRequestError(message, param=param, code="unsupported_value")
    return EncodedImage(url, param)
