import asyncio
import logging
import threading

import pytest

from streams.pipeline import ORDINARY, URGENT, WAIT_HALF_LIFE_S, Stage, Worker

TIMEOUT_S = 10


@pytest.fixture
def worker():
    worker = Worker("test")
    yield worker
    worker.close()


@pytest.fixture
def held(worker):
    """Keeps the worker busy until it is set."""
    release, started = threading.Event(), threading.Event()

    def hold():
        started.set()
        release.wait(TIMEOUT_S)

    worker.submit(hold)
    started.wait(TIMEOUT_S)
    yield release
    release.set()


def within(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, TIMEOUT_S))


class TestWorker:
    def test_runs_calls_on_its_own_thread_after_the_setup(self):
        done = []
        worker = Worker("own", setup=lambda: done.append(threading.current_thread().name))
        assert worker.submit(lambda: threading.current_thread().name).result(TIMEOUT_S) == "own"
        worker.close()
        assert done == ["own"]

    def test_urgent_calls_go_first_then_in_the_order_they_came(self, worker, held):
        order = []
        calls = {"a": ORDINARY, "b": ORDINARY, "c": URGENT, "d": ORDINARY, "e": URGENT}
        for name, priority in calls.items():
            last = worker.submit(lambda name=name: order.append(name), priority)
        held.set()
        worker.close()
        assert last.done()
        assert order == ["c", "e", "a", "b", "d"]

    def test_waiting_is_as_long_as_the_oldest_call_has_waited(self):
        now, release, started = [0.0], threading.Event(), threading.Event()
        worker = Worker("test", now=lambda: now[0])
        assert worker.waiting_s == 0

        def hold():
            started.set()
            release.wait(TIMEOUT_S)

        worker.submit(hold)
        started.wait(TIMEOUT_S)
        assert worker.waiting_s == 0  # who is being served does not wait
        first = worker.submit(lambda: None)
        now[0] = 3.0
        worker.submit(lambda: None)
        assert worker.waiting_s == 3.0
        first.cancel()
        now[0] = 4.0
        assert worker.waiting_s == 1.0
        release.set()
        worker.close()

    def test_a_wait_that_is_over_is_felt_for_some_seconds_and_fades(self):
        now, release = [0.0], threading.Event()
        worker = Worker("test", now=lambda: now[0])
        started = [threading.Event(), threading.Event()]

        def hold(event):
            event.set()
            release.wait(TIMEOUT_S)

        worker.submit(lambda: hold(started[0]))
        started[0].wait(TIMEOUT_S)
        worker.submit(lambda: hold(started[1]))
        now[0] = 2 * WAIT_HALF_LIFE_S
        release.set()
        started[1].wait(TIMEOUT_S)
        waited_s = 2 * WAIT_HALF_LIFE_S * 0.75  # the rest weighs what was before
        assert worker.waiting_s == pytest.approx(waited_s)
        now[0] += WAIT_HALF_LIFE_S
        assert worker.waiting_s == pytest.approx(waited_s / 2)
        for _ in range(3):  # calls that need not wait push it down no slower
            now[0] += WAIT_HALF_LIFE_S
            worker.submit(lambda: None).result(TIMEOUT_S)
        assert worker.waiting_s == pytest.approx(waited_s / 16)
        worker.close()

    def test_an_exception_goes_to_the_caller_and_the_thread_goes_on(self, worker):
        failing = worker.submit(lambda: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            failing.result(TIMEOUT_S)
        assert worker.submit(lambda: 5).result(TIMEOUT_S) == 5

    def test_a_call_cancelled_before_its_start_does_not_run(self, worker, held):
        ran = []

        async def cancel():
            call = asyncio.create_task(worker.run(lambda: ran.append("cancelled")))
            await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            assert call.cancelled()
            held.set()
            await worker.run(lambda: ran.append("next"))

        within(cancel())
        assert ran == ["next"]

    def test_work_in_steps_lets_urgent_work_in_between(self, worker):
        order = []

        def steps():
            for number in range(3):
                order.append(number)
                if number == 0:
                    worker.submit(lambda: order.append("urgent"), URGENT)
                    worker.submit(lambda: order.append("ordinary"))
                yield
            return "done"

        assert within(worker.drive(steps())) == "done"
        assert order == [0, "urgent", "ordinary", 1, 2]

    def test_two_at_work_in_steps_take_turns(self, worker):
        order = []

        def steps(name):
            for _ in range(3):
                order.append(name)
                yield

        async def both():
            await asyncio.gather(worker.drive(steps("a")), worker.drive(steps("b")))

        within(both())
        assert sorted(order) == ["a"] * 3 + ["b"] * 3
        assert order != sorted(order)

    def test_a_failing_step_ends_the_work(self, worker):
        after = []

        def steps():
            yield
            raise ValueError("step")
            after.append(1)

        with pytest.raises(ValueError, match="step"):
            within(worker.drive(steps()))
        assert not after

    def test_cancelled_work_does_not_go_on(self, worker):
        count, reached = [], threading.Event()

        def steps():
            while True:
                count.append(1)
                reached.set()
                yield

        async def cancel():
            work = asyncio.create_task(worker.drive(steps()))
            await asyncio.to_thread(reached.wait, TIMEOUT_S)
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await worker.run(lambda: None)
            stopped_at = len(count)
            await worker.run(lambda: None)
            assert len(count) == stopped_at

        within(cancel())

    def test_closing_finishes_what_is_queued_and_takes_no_more(self):
        worker = Worker("closing")
        done = []
        for number in range(20):
            worker.submit(lambda number=number: done.append(number))
        worker.close()
        assert done == list(range(20))
        with pytest.raises(RuntimeError, match="closing is closed"):
            worker.submit(lambda: None)


class Gate:
    """Work that waits to be let through, and remembers what it was given."""

    def __init__(self):
        self.begun, self.done = [], []
        self._through = asyncio.Semaphore(0)

    async def __call__(self, item):
        self.begun.append(item)
        await self._through.acquire()
        self.done.append(item)

    def let(self, count=1):
        for _ in range(count):
            self._through.release()


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


class TestStage:
    def test_works_items_off_one_at_a_time_and_in_order(self):
        async def scenario():
            gate = Gate()
            stage = Stage("s", gate, 10)
            for item in "abc":
                await stage.put(item)
            await settle()
            assert gate.begun == ["a"]
            assert len(stage) == 2
            gate.let(3)
            await stage.drain()
            assert gate.done == ["a", "b", "c"]
            await stage.close()

        within(scenario())

    def test_put_waits_for_room_and_loses_nothing(self):
        async def scenario():
            gate = Gate()
            stage = Stage("s", gate, 2)

            async def send():
                for item in range(6):
                    await stage.put(item)

            sending = asyncio.create_task(send())
            await settle()
            assert not sending.done()
            assert len(stage) == 2
            gate.let(6)
            await sending
            await stage.drain()
            assert gate.done == list(range(6))
            await stage.close()

        within(scenario())

    def test_offer_drops_the_oldest_and_returns_it(self):
        async def scenario():
            gate = Gate()
            stage = Stage("s", gate, 2)
            await stage.put("busy")
            await settle()
            assert [await stage.offer(item) for item in "abcd"] == [None, None, "a", "b"]
            gate.let(3)
            await stage.drain()
            assert gate.done == ["busy", "c", "d"]
            await stage.close()

        within(scenario())

    def test_clear_forgets_what_waits_and_makes_room(self):
        async def scenario():
            gate = Gate()
            stage = Stage("s", gate, 1)
            await stage.put("busy")
            await settle()
            await stage.put("waits")
            blocked = asyncio.create_task(stage.put("late"))
            await settle()
            assert not blocked.done()
            stage.clear()
            await settle()
            assert blocked.done()
            gate.let(2)
            await stage.drain()
            assert gate.done == ["busy", "late"]
            await stage.close()

        within(scenario())

    def test_drain_returns_when_what_it_waits_for_is_cleared_before_it_began(self):
        async def scenario():
            stage = Stage("s", Gate(), 5)
            await stage.put("never begun")
            draining = asyncio.create_task(stage.drain())
            stage.clear()
            await draining
            await stage.close()

        within(scenario())

    def test_a_failing_item_is_reported_and_the_next_is_worked_on(self, caplog, monkeypatch):
        monkeypatch.setattr(logging.getLogger("streams"), "propagate", True)

        async def scenario():
            done, failed = [], []

            async def work(item):
                if item % 2:
                    raise ValueError(f"item {item}")
                done.append(item)

            stage = Stage("eyes", work, 2, on_error=lambda item, error: failed.append((item, str(error))))
            for item in range(6):
                await stage.put(item)
            await stage.drain()
            assert done == [0, 2, 4]
            assert failed == [(1, "item 1"), (3, "item 3"), (5, "item 5")]
            await stage.close()

        within(scenario())
        logged = [record for record in caplog.records if record.getMessage() == "stage.failed"]
        assert [record.fields["stage"] for record in logged] == ["eyes"] * 3
        assert all(record.exc_info for record in logged)

    def test_closing_stops_the_work_and_leaves_what_waits(self):
        async def scenario():
            gate = Gate()
            stage = Stage("s", gate, 2)
            for item in "abc":
                await stage.put(item)
                await settle()
            blocked = asyncio.create_task(stage.put("d"))
            draining = asyncio.create_task(stage.drain())
            await settle()
            await stage.close()
            assert (gate.begun, gate.done) == (["a"], [])
            assert len(stage) == 2
            await draining
            with pytest.raises(RuntimeError, match="s is closed"):
                await blocked
            with pytest.raises(RuntimeError, match="s is closed"):
                await stage.put("e")
            with pytest.raises(RuntimeError, match="s is closed"):
                await stage.offer("e")
            assert len(stage) == 2

        within(scenario())
