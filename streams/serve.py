"""``streams serve``: the gateway until Ctrl-C, which lets answers finish; a second one does not."""

from __future__ import annotations

import argparse
import asyncio
import signal

from gateway.access.exposure import check_exposure
from gateway.assembly import Streams
from gateway.live.live import Emit, Live
from gateway.server.server import GatewayServer
from gateway.server.visit import Visit
from streams.config import StreamsConfig


def run(args: argparse.Namespace, config: StreamsConfig) -> int:
    check_exposure(config.server)  # said before the models are loaded, which takes a while
    streams = Streams.load(config)
    try:
        asyncio.run(_serve(streams))
    finally:
        streams.close()
    return 0


async def _serve(streams: Streams) -> None:
    stop, at_once = asyncio.Event(), asyncio.Event()

    def signalled() -> None:
        (at_once if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, signalled)
    await new_server(streams).serve_until(stop, at_once)


def new_server(streams: Streams) -> GatewayServer:
    """A gateway for ``streams``, not yet listening. Raises ConfigError when its keys cannot be used."""

    async def open_session(visit: Visit, emit: Emit) -> Live:
        if visit.transcribes:
            return streams.open_transcription(emit)
        return await streams.open_session(emit, name=visit.session, tenant=visit.party.tenant)

    return GatewayServer(streams.config.server, streams.config.video, open_session, streams)
