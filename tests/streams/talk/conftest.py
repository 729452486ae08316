"""A gateway that runs beside a test, on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import numpy as np
import pytest

from streams.client import WIRE_RATE
from streams.serve import new_server

QUIET = np.zeros(WIRE_RATE // 2, np.float32)


@contextlib.contextmanager
def serving(streams):
    """The address of a gateway for ``streams``."""
    url, listening, loop, stop = [], threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def serve():
        async with new_server(streams) as server:
            url.append(server.url)
            listening.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert listening.wait(30)
        yield url[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def url(streams):
    with serving(streams) as url:
        yield url


@pytest.fixture(scope="session")
def said(streams):
    """Sentences spoken, with quiet around them."""

    def say(*texts):
        parts = [streams.backend.synthesizer.synthesize(text) for text in texts]
        return np.concatenate([piece for part in parts for piece in (QUIET, part, QUIET)])

    return say
