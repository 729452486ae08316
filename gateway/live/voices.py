"""The voices that a client may name (the synthesiser's, and the API's as other names of one), their speed."""

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


def check_speed(speed: float, speeds: tuple[float, float]) -> None:
    """Raises InvalidRequestError (``speed``) outside what a synthesiser speaks at."""
    slowest, fastest = speeds
    if not slowest <= speed <= fastest:
        raise InvalidRequestError(
            f"speed {speed} is outside {slowest} to {fastest}", param="speed", code="unsupported_value"
        )


def resolve_voice(name: str, voices: Sequence[str]) -> str | None:
    """``name`` as the synthesiser of ``voices`` knows it; None, its default, for one of the API's.

    Raises InvalidRequestError (``voice``) for a name of neither.
    """
    if name in voices:
        return name
    if name in API_VOICES:
        return None
    message = f"voice '{name}' is not here; there is: {', '.join(voices)} (and the API's names stand for it)"
    raise InvalidRequestError(message, param="voice", code="unsupported_value")
