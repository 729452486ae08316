"""What a connector can say, and of what size it is; read from its file's metadata, and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

EMPTY = "-"
"""The word for nothing: no such thing, no colour worth a name, no writing."""


@dataclass(frozen=True, slots=True)
class ConnectorConfig:
    """``classes`` are the encoder's, in its order; each list of words but theirs begins with ``EMPTY``.

    ``kinds`` are names of several classes. ``sure`` is, by kind of word, the probability from which on it is
    right in nearly all of validation: what is less sure is not said in captions.
    """

    encoder: str
    channels: int
    places: int
    hidden: int
    classes: tuple[str, ...]
    names: tuple[str, ...]
    colours: tuple[str, ...]
    where: tuple[str, ...]
    counts: tuple[str, ...]
    texts: tuple[str, ...]
    width: int = 256
    heads: int = 4
    layers: int = 2
    rank: int = 32
    kinds: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    sure: Mapping[str, float] = field(default_factory=dict)

    def words(self, kind: str) -> tuple[str, ...]:
        if kind == "name":
            return (*self.names, *self.classes)
        return {"colour": self.colours, "place": self.where, "count": self.counts, "text": self.texts}[kind]


def read_config(written: str) -> ConnectorConfig:
    """The configuration that ``written`` is of, in JSON. Raises ValueError that names what is wrong."""
    try:
        read = _Written.model_validate_json(written)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{key or 'config'}: {first['msg']}") from None
    return ConnectorConfig(**dict(read))


def _empty_first(words: tuple[str, ...]) -> tuple[str, ...]:
    if words[0] != EMPTY:
        raise ValueError(f"the first word is '{EMPTY}', not '{words[0]}'")
    return words


_Size = Annotated[int, Field(gt=0)]
_Words = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_empty_first)]


class _Written(BaseModel):
    """As ``ConnectorConfig``; that sizes are those of the weights is for who loads these."""

    model_config = ConfigDict(extra="forbid")

    encoder: str
    channels: _Size
    places: _Size
    hidden: _Size
    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    names: _Words
    colours: _Words
    where: _Words
    counts: _Words
    texts: _Words
    width: _Size = 256
    heads: _Size = 4
    layers: Annotated[int, Field(gt=0, le=64)] = 2
    rank: _Size = 32
    kinds: dict[str, tuple[Annotated[int, Field(ge=0)], ...]] = {}
    sure: dict[str, Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]] = {}

    @model_validator(mode="after")
    def _fits(self) -> _Written:
        if self.width % self.heads:
            raise ValueError(f"{self.heads} heads do not share a width of {self.width}")
        for kind, classes in self.kinds.items():
            if max(classes, default=0) >= len(self.classes):
                raise ValueError(f"'{kind}' is of class {max(classes)}, and there are {len(self.classes)}")
        return self
