import asyncio

import pytest

from streams.clock import ReplayClock, WallClock

MS = 1_000


class TestWallClock:
    def test_starts_at_zero_and_never_goes_back(self):
        clock = WallClock()
        times = [clock.now_us() for _ in range(1_000)]
        assert times == sorted(times)
        assert 0 <= times[0] < 10_000_000

    def test_wakes_no_earlier_than_asked(self):
        async def scenario():
            clock = WallClock()
            at_us = clock.now_us() + 20 * MS
            await clock.sleep_until(at_us)
            assert clock.now_us() >= at_us
            await clock.sleep_until(-5)  # long ago

        asyncio.run(scenario())


class TestReplayClock:
    def test_stands_still_until_it_is_moved_and_never_goes_back(self):
        clock = ReplayClock(7)
        assert clock.now_us() == 7
        for at_us, now_us in ((10, 10), (5, 10), (10, 10), (11, 11)):
            clock.advance_to(at_us)
            assert clock.now_us() == now_us

    def test_sleepers_wake_in_the_order_of_their_times(self):
        async def scenario():
            clock, woken = ReplayClock(), []

            async def sleep(name, at_us):
                await clock.sleep_until(at_us)
                woken.append((name, clock.now_us()))

            times = {"d": 40, "a": 10, "c": 30, "b": 10}
            sleepers = [asyncio.create_task(sleep(*each)) for each in times.items()]
            await asyncio.sleep(0)
            clock.advance_to(9)
            await asyncio.sleep(0)
            assert woken == []
            clock.advance_to(30)
            await asyncio.sleep(0)
            assert woken == [("a", 30), ("b", 30), ("c", 30)]
            clock.advance_to(100)
            await asyncio.gather(*sleepers)
            assert woken[-1] == ("d", 100)

        asyncio.run(scenario())

    def test_a_time_that_has_come_is_not_waited_for(self):
        async def scenario():
            clock = ReplayClock(50)
            await asyncio.wait_for(clock.sleep_until(50), 5)

        asyncio.run(scenario())

    def test_a_cancelled_sleeper_does_not_disturb_the_others(self):
        async def scenario():
            clock = ReplayClock()
            cancelled = asyncio.create_task(clock.sleep_until(10))
            other = asyncio.create_task(clock.sleep_until(10))
            await asyncio.sleep(0)
            cancelled.cancel()
            await asyncio.gather(cancelled, return_exceptions=True)
            clock.advance_to(10)
            await asyncio.wait_for(other, 5)
            with pytest.raises(asyncio.CancelledError):
                cancelled.result()

        asyncio.run(scenario())
