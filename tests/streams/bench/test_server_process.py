import asyncio

import pytest

from streams.bench.scrape import scrape
from streams.bench.server_process import ServerProcess
from streams.client import RealtimeClient
from streams.errors import StreamsError


def test_a_gateway_runs_beside_its_client_and_ends():
    async def created(url):
        first = asyncio.get_running_loop().create_future()
        async with RealtimeClient(url, lambda event: first.done() or first.set_result(event["type"])):
            return await first

    with ServerProcess(None) as server:
        assert asyncio.run(created(server.url)) == "session.created"
        assert scrape(server.url)["process_resident_memory_bytes", ""] > 100_000_000
    with pytest.raises(OSError, match="refused"):
        scrape(server.url)


def test_why_it_did_not_start_is_told(tmp_path):
    settings = tmp_path / "wrong.toml"
    settings.write_text("[server]\ncolour = 'red'\n")
    with pytest.raises(StreamsError, match="colour"), ServerProcess(settings):
        pass
