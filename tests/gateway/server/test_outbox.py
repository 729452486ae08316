import asyncio

from gateway.server.outbox import Outbox

FOREVER_S = 3_600.0


def test_messages_leave_in_order_and_count_until_they_are_sent():
    async def scenario():
        outbox = Outbox(100, FOREVER_S)
        outbox.put("first")
        outbox.put("second")
        assert outbox.size_bytes == 11
        assert await outbox.get() == "first"
        assert outbox.size_bytes == 11
        outbox.sent()
        assert outbox.size_bytes == 6
        assert await outbox.get() == "second"

    asyncio.run(scenario())


def test_a_reader_waits_for_what_is_yet_to_come():
    async def scenario():
        outbox = Outbox(100, FOREVER_S)
        reader = asyncio.create_task(outbox.get())
        await asyncio.sleep(0)
        assert not reader.done()
        outbox.put("late")
        assert await reader == "late"

    asyncio.run(scenario())


def test_past_its_bound_there_is_no_room_until_enough_was_sent():
    async def scenario():
        outbox = Outbox(10, FOREVER_S)
        outbox.put("12345678")
        await outbox.wait_for_room()
        outbox.put("12345678")
        waiter = asyncio.create_task(outbox.wait_for_room())
        await asyncio.sleep(0)
        assert not waiter.done()
        await outbox.get()
        outbox.sent()
        await waiter
        assert not outbox.overflowed.is_set()
        outbox.close()

    asyncio.run(scenario())


def test_a_reader_that_stays_behind_overflows():
    async def scenario():
        outbox = Outbox(10, patience_s=0.01)
        outbox.put("x" * 11)
        await outbox.overflowed.wait()

    asyncio.run(scenario())


def test_a_reader_that_catches_up_in_time_does_not():
    async def scenario():
        outbox = Outbox(10, patience_s=0.01)
        outbox.put("x" * 11)
        await outbox.get()
        outbox.sent()
        await asyncio.sleep(0.05)
        assert not outbox.overflowed.is_set()

    asyncio.run(scenario())


def test_four_times_the_bound_overflows_at_once_and_takes_no_more():
    async def scenario():
        outbox = Outbox(10, FOREVER_S)
        outbox.put("x" * 41)
        assert outbox.overflowed.is_set()
        outbox.put("y")
        assert outbox.size_bytes == 41

    asyncio.run(scenario())


def test_it_is_flushed_when_all_was_sent():
    async def scenario():
        outbox = Outbox(100, FOREVER_S)
        await outbox.flushed()
        outbox.put("first")
        flushed = asyncio.create_task(outbox.flushed())
        await outbox.get()
        await asyncio.sleep(0)
        assert not flushed.done()
        outbox.sent()
        await flushed

    asyncio.run(scenario())
