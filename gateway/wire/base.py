"""What the models of the wire are made of: strictness, refusal of what is not supported, common fields."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError, to_json

from speech.audio_format import FORMATS, PCM16, AudioFormat
from streams.standing_request import MAX_REQUEST_CHARS

MAX_OUTPUT_TOKENS = 4096
"""The API's bound; ``"inf"`` asks for this many."""

MAX_EVENT_ID_CHARS = 512

MAX_TEXT_CHARS = 200_000
"""Far more than a model's context holds; it takes a second to find that out of so much."""

Id = Annotated[str, StringConstraints(min_length=1, max_length=128)]
EventId = Annotated[str, StringConstraints(max_length=MAX_EVENT_ID_CHARS)]


def only(*values: Any) -> BeforeValidator:
    """Refuses every value but ``values`` as unsupported."""

    def check(value: Any) -> Any:
        if not any(type(value) is type(known) and value == known for known in values):
            known = " or ".join(to_json(each).decode() for each in values)
            raise PydanticCustomError("unsupported_value", "only {known} is supported", {"known": known})
        return value

    return BeforeValidator(check)


def _voice_name(value: Any) -> Any:
    """A voice by name, or as the API's ``{"id": …}`` of a custom one."""
    return value["id"] if isinstance(value, dict) and value.keys() == {"id"} else value


def _token_count(value: Any) -> Any:
    return MAX_OUTPUT_TOKENS if value == "inf" else value


Nothing = Annotated[Any, only(None)]
Off = Annotated[Any, only(None, [])]
TokenCount = Annotated[int, Field(ge=1, le=MAX_OUTPUT_TOKENS), BeforeValidator(_token_count)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)]
RequestText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_REQUEST_CHARS)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]
"""A name that is echoed, so it has a bound."""

Voice = Annotated[Name, BeforeValidator(_voice_name)]
Modalities = Annotated[list[Literal["audio", "text"]], Field(min_length=1, max_length=1)]
MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=64)]
MetadataValue = Annotated[str, StringConstraints(max_length=512)]
Metadata = Annotated[dict[MetadataKey, MetadataValue], Field(max_length=16)]


class Wire(BaseModel):
    """Strict: no coercion, no unknown field."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def given_fields(update: Wire, names: Iterable[str], defaults: object) -> dict[str, Any]:
    """The fields of ``update`` that are present, by name; null as ``defaults`` has it."""
    values = ((name, getattr(update, name)) for name in names if name in update.model_fields_set)
    return {name: getattr(defaults, name) if value is None else value for name, value in values}


class AudioFormatObject(Wire):
    """Without a ``type`` it is PCM. The API gives only that a ``rate``; others may name theirs."""

    type: Annotated[str | None, only(*FORMATS, None)] = None
    rate: int | None = None

    @field_validator("rate", mode="before")
    @classmethod
    def _check_rate(cls, rate: Any, info: ValidationInfo) -> Any:
        audio_format = FORMATS[info.data.get("type") or PCM16.type]
        if rate is not None and (type(rate) is not int or rate != audio_format.rate):
            known = {"type": audio_format.type, "rate": audio_format.rate}
            raise PydanticCustomError("unsupported_value", "{type} is at {rate} Hz only", known)
        return rate

    @property
    def audio_format(self) -> AudioFormat:
        return FORMATS[self.type or PCM16.type]
