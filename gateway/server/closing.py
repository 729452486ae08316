"""How a socket is closed so that its client learns why."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from enum import IntEnum

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode

from gateway.wire.server_event import error_to_wire, stamped
from streams.errors import OverloadError, asked_wrongly

CLOSE_TIMEOUT_S = 2.0
"""How long a client may take to answer a close; then the socket is cut."""


class OwnCloseCode(IntEnum):
    """Codes of the range that RFC 6455 leaves to applications."""

    TAKEN_OVER = 4001
    """The session was resumed on another socket."""
    IDLE = 4002
    """``server.idle_timeout_s`` is over."""
    EXPIRED = 4003
    """``server.max_session_s`` is over."""


FAREWELLS = frozenset({CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY, CloseCode.NO_STATUS_RCVD})
"""Codes by which a client says that it will not come back; without a status is how browsers close."""


async def refuse(socket: ServerConnection, error: Exception) -> None:
    """Send ``error`` and close: 1008 when the client asked for what cannot be, 1013 to try again, or 1011."""
    with suppress(ConnectionClosed):
        await socket.send(json.dumps(stamped(error_to_wire(error, event_id=None))))
    code = CloseCode.INTERNAL_ERROR
    if asked_wrongly(error):
        code = CloseCode.POLICY_VIOLATION
    elif isinstance(error, OverloadError):
        code = CloseCode.TRY_AGAIN_LATER
    await close(socket, code, "no session could be opened")


async def close(socket: ServerConnection, code: int, reason: str) -> None:
    """Close, without waiting long for a client that may not even read that.

    What it still sends is read and not used: its answer to the close comes behind that.
    """
    reading = asyncio.create_task(_discard(socket))
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await socket.close(code, reason)
    except TimeoutError:
        socket.transport.abort()
    finally:
        reading.cancel()
        await asyncio.wait({reading})


async def _discard(socket: ServerConnection) -> None:
    with suppress(ConnectionClosed):
        while True:
            await socket.recv()
