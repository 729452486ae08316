"""The sound card, through PortAudio. Imported only where one is wanted, since it may not be there.

Importing raises ImportError without the package, and OSError without the library under it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any

import sounddevice
from numpy.typing import NDArray

from streams.client import WIRE_RATE
from streams.errors import MediaError
from streams.talk.player import Player
from streams.talk.sound import PIECE_SAMPLES
from streams.types import Samples

MONO = {"samplerate": WIRE_RATE, "channels": 1, "dtype": "float32", "blocksize": PIECE_SAMPLES}


class Loudspeaker:
    """Plays while it is entered. Sound that a card has taken is counted as heard once it is out of it."""

    def __init__(self, player: Player) -> None:
        """Raises MediaError when there is no loudspeaker, or none that plays at the wire's rate."""
        self._player = player
        try:
            self._stream = sounddevice.OutputStream(**MONO, callback=self._fill)
        except sounddevice.PortAudioError as error:
            raise _no_device("loudspeaker", error) from None
        player.delay_ms = round(self._stream.latency * 1_000)

    def __enter__(self) -> Loudspeaker:
        self._stream.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()

    def _fill(self, out: NDArray[Any], frames: int, time: Any, status: Any) -> None:
        out[:, 0] = self._player.pull(frames)


async def microphone() -> AsyncIterator[Samples]:
    """What is heard now, in pieces. Raises MediaError when there is no microphone."""
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[Samples] = asyncio.Queue()

    def take(sound: NDArray[Any], frames: int, time: Any, status: Any) -> None:
        loop.call_soon_threadsafe(heard.put_nowait, sound[:, 0].copy())

    try:
        stream = sounddevice.InputStream(**MONO, callback=take)
    except sounddevice.PortAudioError as error:
        raise _no_device("microphone", error) from None
    with stream:
        while True:
            yield await heard.get()


def _no_device(what: str, error: Exception) -> MediaError:
    return MediaError(
        f"there is no {what} that takes {WIRE_RATE} Hz ({error}); sound can come from a file (--audio FILE) "
        "and go to one (--out FILE.wav)",
        param="--audio" if what == "microphone" else "--out",
    )
