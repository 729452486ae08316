"""What a session is called, which model it belongs to, and what is said of it from outside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from streams.errors import KeptSessionError, MemoryStoreError

CATALOG = "catalog.sqlite"

DEFAULT_TENANT = "default"
"""Whose sessions are where nobody else is named."""

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class SessionKey:
    """Whose session it is and its name: both name a folder, so they are 1 to 128 of ``A-Za-z0-9._-`` and do
    not begin with a dot. Raises KeptSessionError otherwise.
    """

    tenant: str
    name: str

    def __post_init__(self) -> None:
        for param, value in (("tenant", self.tenant), ("session", self.name)):
            if not isinstance(value, str) or _NAME.fullmatch(value) is None:
                problem = "1 to 128 of A-Z a-z 0-9 . _ - are wanted, not beginning with a dot"
                raise KeptSessionError(f"{value!r} cannot name a {param}: {problem}", param=param)
        if self.tenant.startswith(CATALOG):
            problem = "the catalog's files are called that"
            raise KeptSessionError(f"{self.tenant!r} cannot name a tenant: {problem}", param="tenant")

    def __str__(self) -> str:
        return f"{self.tenant}/{self.name}"


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What must be the same for stored keys and values to mean anything: weights, tokenizer and shape.

    ``model`` is what people call the model; two names for the same weights are the same model.
    """

    model: str
    model_hash: str
    tokenizer_hash: str
    layers: int
    kv_heads: int
    head_dim: int

    def to_json(self) -> dict[str, str | int]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: object) -> Fingerprint:
        """Raises MemoryStoreError when ``value`` is not what ``to_json`` wrote."""
        kinds: dict[str, type] = dict.fromkeys(("model", "model_hash", "tokenizer_hash"), str)
        kinds |= dict.fromkeys(("layers", "kv_heads", "head_dim"), int)
        if not isinstance(value, Mapping) or set(value) != kinds.keys():
            raise MemoryStoreError("a fingerprint has other fields than a model's", param="fingerprint")
        for name, kind in kinds.items():
            if type(value[name]) is not kind:
                raise MemoryStoreError(f"a fingerprint's {name} is {value[name]!r}", param="fingerprint")
        return cls(**value)

    def mismatch(self, wanted: Fingerprint) -> str | None:
        """Why ``wanted`` cannot use what was written with this one; None when it can."""
        shape = (self.layers, self.kv_heads, self.head_dim)
        wanted_shape = (wanted.layers, wanted.kv_heads, wanted.head_dim)
        if self.model_hash != wanted.model_hash or shape != wanted_shape:
            return f"was made with {self._describe()}, not with {wanted._describe()}"
        if self.tokenizer_hash != wanted.tokenizer_hash:
            return (
                f"was made with another tokenizer of {self.model} ({self.tokenizer_hash[:12]}) "
                f"than this one ({wanted.tokenizer_hash[:12]})"
            )
        return None

    def _describe(self) -> str:
        shape = f"{self.layers} layers, {self.kv_heads} key heads of {self.head_dim}"
        return f"{self.model} ({self.model_hash[:12]}; {shape})"


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A session seen from outside. ``created_us`` and ``last_used_us`` count from 1970, ``start_us`` and
    ``end_us`` on the session's clock; ``nbytes`` is what its segment files take.
    """

    key: SessionKey
    fingerprint: Fingerprint
    created_us: int
    last_used_us: int
    blocks: int
    tokens: int
    nbytes: int
    start_us: int
    end_us: int
    removed: int
    damaged: int


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that ``verify`` found wrong, at a byte of a segment file; ``block_id`` where it is known."""

    block_id: int | None
    segment: str
    offset: int
    problem: str
