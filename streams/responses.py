"""The responses that a session is giving."""

from __future__ import annotations

from streams.errors import InvalidRequestError

MAX_OUT_OF_BAND = 4
"""Responses beside the conversation that a session may have at a time."""


class Responses:
    """At most one in the conversation, and some beside it."""

    def __init__(self) -> None:
        self.in_conversation: str | None = None
        self._out_of_band: list[str] = []

    @property
    def active(self) -> list[str]:
        return [*([self.in_conversation] if self.in_conversation else []), *self._out_of_band]

    def begin(self, response_id: str, *, in_conversation: bool) -> None:
        """Raises InvalidRequestError when there are as many as there may be."""
        if in_conversation and self.in_conversation is not None:
            raise InvalidRequestError(
                f"response {self.in_conversation} is still active",
                code="conversation_already_has_active_response",
            )
        if not in_conversation and len(self._out_of_band) == MAX_OUT_OF_BAND:
            raise InvalidRequestError(
                f"{MAX_OUT_OF_BAND} responses out of band are active already", code="too_many_responses"
            )
        if in_conversation:
            self.in_conversation = response_id
        else:
            self._out_of_band.append(response_id)

    def find(self, response_id: str | None) -> str:
        """The one named, the conversation's when None. Raises InvalidRequestError when it is not active."""
        wanted = response_id or self.in_conversation
        if wanted is None:
            raise InvalidRequestError("no response is active", code="response_cancel_not_active")
        if wanted not in self.active:
            raise InvalidRequestError(
                f"response '{wanted}' is not active", param="response_id", code="response_cancel_not_active"
            )
        return wanted

    def end(self, response_id: str) -> None:
        """It has ended; it was active."""
        if response_id == self.in_conversation:
            self.in_conversation = None
        else:
            self._out_of_band.remove(response_id)
