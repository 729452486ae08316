import asyncio

import pytest

from gateway.server.time_limit import NOTICE_US, TimeLimit
from streams.clock import ReplayClock
from streams.types import US_PER_S


class Watch:
    """A limit on a clock that a test moves."""

    def __init__(self, idle_s=0.0, total_s=0.0):
        self.clock = ReplayClock()
        self.limit = TimeLimit(idle_s, total_s, self.clock)
        self.announced = []
        self.task = asyncio.create_task(self.limit.reached(lambda *told: self.announced.append(told)))

    async def at(self, seconds):
        """What has been reached and what announced by then."""
        await asyncio.sleep(0)
        self.clock.advance_to(round(seconds * US_PER_S))
        for _ in range(3):
            await asyncio.sleep(0)
        announced, self.announced = self.announced, []
        return self.task.result() if self.task.done() else None, announced


def run(scenario):
    asyncio.run(scenario())


def test_a_session_may_last_so_long_and_is_told_ahead():
    async def scenario():
        watch = Watch(total_s=100)
        assert await watch.at(69.9) == (None, [])
        assert await watch.at(70) == (None, [("total", 30_000)])
        assert watch.limit.left_s == 30
        assert await watch.at(99.9) == (None, [])
        assert await watch.at(100) == ("total", [])
        assert watch.limit.left_s == 0

    run(scenario)


def test_of_a_short_limit_half_is_left_when_it_is_told():
    async def scenario():
        watch = Watch(idle_s=10)
        assert await watch.at(5) == (None, [("idle", 5_000)])
        assert await watch.at(10) == ("idle", [])

    run(scenario)


def test_who_is_heard_of_again_is_not_idle():
    async def scenario():
        watch = Watch(idle_s=100)
        assert await watch.at(80) == (None, [("idle", 20_000)])
        watch.limit.touch()
        assert await watch.at(100) == (None, [])
        assert await watch.at(150) == (None, [("idle", 30_000)])
        assert await watch.at(180) == ("idle", [])

    run(scenario)


def test_while_a_request_is_carried_out_or_an_answer_given_nobody_is_idle():
    async def scenario():
        watch = Watch(idle_s=100)
        watch.limit.begin()
        watch.limit.begin()
        assert await watch.at(500) == (None, [])
        watch.limit.finish()
        assert await watch.at(900) == (None, [])
        watch.limit.finish()
        assert await watch.at(969) == (None, [])
        assert await watch.at(970) == (None, [("idle", 30_000)])
        assert await watch.at(1_000) == ("idle", [])

    run(scenario)


def test_the_end_that_comes_first_counts_and_each_is_told():
    async def scenario():
        watch = Watch(idle_s=10, total_s=12)
        assert await watch.at(6) == (None, [("total", 6_000), ("idle", 4_000)])
        watch.limit.touch()
        assert await watch.at(12) == ("total", [])

    run(scenario)


@pytest.mark.parametrize("limits", [{"idle_s": 1_000}, {"total_s": 1_000}])
def test_it_is_told_once(limits):
    async def scenario():
        watch = Watch(**limits)
        told = [count for second in range(960, 1_000, 5) if (count := len((await watch.at(second))[1]))]
        assert told == [1]
        assert NOTICE_US == 30 * US_PER_S

    run(scenario)


def test_without_limits_nothing_ends():
    async def scenario():
        watch = Watch()
        assert await watch.at(10 * 365 * 24 * 3_600) == (None, [])
        watch.task.cancel()

    run(scenario)
