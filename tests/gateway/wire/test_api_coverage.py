"""Every field of the API's client events, with every kind of value that its types allow."""

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from openai.types import realtime as api
from pydantic import BaseModel

from gateway.wire.parsing import parse_event
from streams.errors import InvalidRequestError

EVENTS = get_args(get_args(api.RealtimeClientEvent)[0])
PLAIN = {str: "text", int: 7_000, float: 0.5, bool: True, object: {"any": 1}, type(None): None}


def values(kind: Any) -> Iterator[Any]:
    """Values of a type; of an object one for each value of each of its fields, beside what it requires."""
    origin = get_origin(kind)
    if kind in PLAIN:
        yield PLAIN[kind]
    elif origin is Annotated:
        yield from values(get_args(kind)[0])
    elif origin in (Union, UnionType):
        for each in get_args(kind):
            yield from values(each)
    elif origin is Literal:
        yield from get_args(kind)
    elif origin is list:
        yield from ([each] for each in values(get_args(kind)[0]))
    elif origin is dict:
        yield from ({"key": each} for each in values(get_args(kind)[1]))
    else:
        assert issubclass(kind, BaseModel), kind
        fields = {field.alias or name: field for name, field in kind.model_fields.items()}
        required = {
            name: next(values(field.annotation)) for name, field in fields.items() if field.is_required()
        }
        yield required
        for name, field in fields.items():
            yield from ({**required, name: each} for each in values(field.annotation))


UNSUPPORTED = {
    "item.type",  # here, and among the tools and their choice, what belongs to MCP
    "response.input[0].type",
    "response.prompt",
    "response.reasoning",
    "response.tool_choice",
    "response.tools[0].type",
    "session.audio.input.noise_reduction",
    "session.audio.input.transcription.delay",
    "session.audio.input.transcription.keywords",
    "session.audio.input.transcription.language",
    "session.audio.input.transcription.languages",
    "session.audio.input.transcription.prompt",
    "session.audio.input.turn_detection.create_response",  # these three in a transcription
    "session.audio.input.turn_detection.idle_timeout_ms",
    "session.audio.input.turn_detection.interrupt_response",
    "session.include",
    "session.prompt",
    "session.reasoning",
    "session.tool_choice",
    "session.tools[0].type",
    "session.tracing",
    "session.truncation",
    "type",  # output_audio_buffer.clear
}
"""The fields of which some values that the API knows are refused, beside those outside of a range."""


def test_every_field_is_known_and_what_cannot_be_honoured_is_refused_by_its_name():
    refusals = []
    for event in [each for kind in EVENTS for each in values(kind)]:
        try:
            parse_event(event)
        except InvalidRequestError as error:
            refusals.append(error)
    codes = {error.code for error in refusals}
    assert not codes & {"unknown_parameter", "unknown_event"}
    assert {error.param for error in refusals if error.code.startswith("unsupported")} == UNSUPPORTED
