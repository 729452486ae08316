"""The voices that a client may name: the synthesiser's own, and those of the API as other names of one."""

from __future__ import annotations

from collections.abc import Sequence

from streams.errors import InvalidRequestError

API_VOICES = (
    "alloy",
    "ash",
    "ballad",
    "cedar",
    "coral",
    "echo",
    "fable",
    "marin",
    "nova",
    "onyx",
    "sage",
    "shimmer",
    "verse",
)
"""Clients name one of these without asking which there are."""


def resolve_voice(name: str, voices: Sequence[str]) -> str | None:
    """``name`` as the synthesiser of ``voices`` knows it; None, its default, for one of the API's.

    Raises InvalidRequestError (``voice``) for a name of neither.
    """
    if name in voices:
        return name
    if name in API_VOICES:
        return None
    message = f"voice '{name}' is not here; there is: {', '.join(voices)} (and the API's names stand for it)"
    raise InvalidRequestError(message, param="voice")
