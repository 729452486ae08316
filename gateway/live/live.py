"""The contract of a running session, as the wire and the replay drive it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from streams.conversation import Item, ResponseOptions, SessionOptions
from streams.events import Event
from streams.outcome import Outcome
from streams.standing_request import RequestKind, StandingRequest
from streams.types import Image, Samples

Emit: TypeAlias = Callable[[Event], None]
"""Takes each event as it happens; called on the event loop's thread, must not block."""

Follow: TypeAlias = Callable[[Sequence[Outcome]], None]
"""Carries out and reports what follows from something that happened."""


def from_any_thread(emit: Emit) -> Emit:
    """``emit`` for events that happen on other threads than that of the running event loop."""
    loop = asyncio.get_running_loop()

    def hand_over(event: Event) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(emit, event)

    return hand_over


class SpeaksUp(Protocol):
    """What a session is to speak up about by itself."""

    @property
    def requests(self) -> tuple[StandingRequest, ...]:
        """Those that stand, oldest first."""
        ...

    async def add(self, text: str, kind: RequestKind, repeats: bool, request_id: str | None) -> None:
        """Speak up when this is met; ``repeats``: each time. Emits StandingRequestsChanged.

        Raises InvalidRequestError for an id that is taken, one too many, and where nothing is said unasked.
        """
        ...

    def cancel(self, request_id: str) -> None:
        """Emits StandingRequestsChanged. Raises InvalidRequestError when there is no such request."""
        ...


class Live(Protocol):
    """One session's conversation, senses and memory. Every method is called on the event loop's thread.

    Methods raise StreamsError for a request that cannot be met; the session goes on. What they start
    is reported through ``Emit``.
    """

    id: str

    @property
    def options(self) -> SessionOptions: ...

    @property
    def speaking_up(self) -> SpeaksUp: ...

    def thumbnail(self, block_id: int) -> bytes | None:
        """A small JPEG of the frame that became a block; None when it is no frame or long ago."""
        ...

    async def update(self, options: SessionOptions) -> None:
        """Replace the options, or change nothing and raise InvalidRequestError (``param``: the field)."""
        ...

    async def append_audio(self, samples: Samples, rate: int) -> None:
        """Hear more of the input: float32 mono. Waits while hearing is behind: audio is never dropped."""
        ...

    async def commit_audio(self) -> None:
        """End the turn now. Raises InvalidRequestError when nothing was heard since the last turn."""
        ...

    def clear_audio(self) -> None:
        """Forget what was heard since the last turn; emits InputCleared."""
        ...

    async def append_frame(self, image: Image, pts_us: int | None) -> None:
        """See a frame: uint8 RGB [h, w, 3]. ``pts_us`` is on the sender's clock, None for now.

        On the wall clock a frame is dropped (and reported) when the encoder is behind; on media time
        this waits instead.
        """
        ...

    def clear_frames(self) -> None:
        """Forget frames that were received but not yet encoded."""
        ...

    async def add_item(self, item: Item, previous_item_id: str | None) -> None:
        """Put a message after the one named, last when None, first for ``FIRST``.

        Emits ItemAdded and ItemDone. Raises InvalidRequestError for an id that is taken, and for a place
        that is not there.
        """
        ...

    def retrieve_item(self, item_id: str) -> None:
        """Emits ItemRetrieved. Raises InvalidRequestError when there is no such item."""
        ...

    async def delete_item(self, item_id: str) -> None:
        """Take an item out of the conversation and out of memory; emits ItemDeleted.

        Raises InvalidRequestError when there is no such item, or it is still being written.
        """
        ...

    async def truncate_item(self, item_id: str, content_index: int, audio_end_us: int) -> None:
        """Keep of a spoken reply what was heard; emits ItemTruncated.

        Raises InvalidRequestError when it is no spoken reply, or not so long.
        """
        ...

    async def respond(self, options: ResponseOptions) -> str:
        """Start a response and return its id. Raises InvalidRequestError while one is active."""
        ...

    def cancel(self, response_id: str | None) -> None:
        """Stop the active response: the next token is not computed.

        Raises InvalidRequestError when none is active or it is not the one named.
        """
        ...

    def client_left(self) -> None:
        """Nobody hears for now, but may come back: sound waits, all else goes on."""
        ...

    def client_returned(self, unheard_us: int) -> None:
        """The client hears again, and of the sound that was emitted the last ``unheard_us`` only now."""
        ...

    async def drain(self) -> None:
        """Return when all that was heard and seen has been dealt with and no response is active."""
        ...

    async def close(self) -> None: ...
