import threading

from gateway.access.load import Load
from streams.pipeline import WAIT_HALF_LIFE_S, Worker

TIMEOUT_S = 10


def test_what_is_waited_for_longest_counts():
    waits_s = {"llm": 1.5, "asr": 0.0}
    load = Load(lambda: waits_s, max_wait_ms=1_500)
    assert load.excess() is None
    waits_s["asr"] = 1.6
    excess = load.excess()
    assert excess is not None
    assert "asr waits 1.6 s" in excess
    waits_s["asr"] = 0.2
    assert load.excess() is None


def test_where_nothing_is_waited_for_there_is_room():
    assert Load(dict, max_wait_ms=1).excess() is None


def test_while_a_model_is_behind_there_is_no_room_and_after_it_caught_up_there_is():
    now, release, started = [0.0], threading.Event(), threading.Event()
    worker = Worker("llm", now=lambda: now[0])
    load = Load(lambda: {worker.name: worker.waiting_s}, max_wait_ms=1_500)

    def hold():
        started.set()
        release.wait(TIMEOUT_S)

    worker.submit(hold)
    started.wait(TIMEOUT_S)
    worker.submit(lambda: None)
    now[0] = 1.5
    assert load.excess() is None
    now[0] = 8.0
    assert load.excess() == "work for llm waits 8.0 s, and 1.5 s is the most for a new session"
    release.set()
    worker.submit(lambda: None).result(TIMEOUT_S)
    assert load.excess() is not None  # it has only just caught up
    now[0] += 4 * WAIT_HALF_LIFE_S
    assert load.excess() is None
    worker.close()
