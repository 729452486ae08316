import asyncio

import pytest

from streams.clock import ReplayClock


class HandClock:
    """Counts as a live clock, and moves when the test moves it: what is computed takes no time on it."""

    def __init__(self):
        self._time = ReplayClock()
        self.now_us, self.sleep_until = self._time.now_us, self._time.sleep_until
        self.advance_to = self._time.advance_to


@pytest.fixture
def hand_clock():
    return HandClock()


@pytest.fixture
def at_rest(streams):
    """Wait until the session that tells ``events`` can do no more before its clock moves."""
    backend = streams.backend
    workers = [
        backend.detector_worker,
        backend.turn_worker,
        backend.recognizer_worker,
        backend.engine,
        backend.synthesizer_worker,
    ]

    async def wait(events):
        quiet = 0
        while quiet < 5:
            before = len(events)
            for worker in workers:
                await worker.run(lambda: None, 9)  # after all that waits there
            await asyncio.sleep(0)
            quiet = quiet + 1 if before == len(events) else 0

    return wait
