"""An ordinary client of the gateway: JSON, or the compact binary form, over a WebSocket."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeAlias

from websockets.asyncio.client import ClientConnection, connect

from gateway.wire.binary import BinaryAppend, BinaryKind
from speech.audio import float_to_pcm16, pcm16_to_float
from streams.types import US_PER_MS, Samples

WIRE_RATE = 24_000

ServerEvent: TypeAlias = dict[str, Any]


class RealtimeClient:
    """Connects while it is entered; hands every event from the server to ``on_event``."""

    def __init__(self, url: str, on_event: Callable[[ServerEvent], None], *, key: str | None = None) -> None:
        """``key`` is the one that the server asks for, where it asks for any."""
        self._url = url
        self._headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        self._on_event = on_event
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> RealtimeClient:
        # Offline media outrun the pings behind them, so the client does not ask for pongs.
        self._socket = await connect(
            self._url,
            additional_headers=self._headers,
            max_size=None,
            compression=None,
            ping_interval=None,
        )
        self._reader = asyncio.create_task(self._read(self._socket))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._socket is not None
        assert self._reader is not None
        await self._socket.close()
        await self._reader

    async def _read(self, socket: ClientConnection) -> None:
        async for message in socket:
            self._on_event(json.loads(message))

    async def send(self, event_type: str, **fields: Any) -> None:
        await self._send(json.dumps({"type": event_type, **fields}))

    async def _send(self, message: str | bytes) -> None:
        assert self._socket is not None, "the client is not connected"
        await self._socket.send(message)

    async def append_audio(self, samples: Samples, *, binary: bool = False) -> None:
        """Send sound, float32 mono at 24 kHz; ``binary`` spares both sides the base64."""
        pcm = float_to_pcm16(samples)
        if binary:
            await self._send(BinaryAppend(BinaryKind.AUDIO, pcm).pack())
        else:
            await self.send("input_audio_buffer.append", audio=_base64(pcm))

    async def append_frame(self, encoded: bytes, timestamp_ms: int, *, binary: bool = False) -> None:
        """Send a picture: the bytes of a JPEG, PNG or WebP."""
        if binary:
            append = BinaryAppend(BinaryKind.IMAGE, encoded, timestamp_ms * US_PER_MS)
            await self._send(append.pack())
        else:
            await self.send("input_video_buffer.append", image=_base64(encoded), timestamp_ms=timestamp_ms)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def audio_of(event: ServerEvent) -> Samples:
    """The sound in a ``response.output_audio.delta``."""
    return pcm16_to_float(base64.b64decode(event["delta"]))
