from gateway.server import attempts
from gateway.server.attempts import Attempts


class Time:
    now_s = 100.0

    def __call__(self):
        return self.now_s


def test_an_address_that_failed_too_often_waits_until_the_first_failure_is_past():
    time = Time()
    kept = Attempts(limit=2, window_s=60.0, now=time)
    kept.failed("here")
    time.now_s += 30
    assert kept.allowed("here")
    kept.failed("here")
    assert not kept.allowed("here")
    assert kept.allowed("there")
    time.now_s += 30
    assert kept.allowed("here")
    kept.failed("here")
    assert not kept.allowed("here")


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(attempts, "MAX_KEPT", 3)
    kept = Attempts(limit=1)
    for address in ("a", "b", "c", "d"):
        kept.failed(address)
    assert kept.allowed("a")
    assert not kept.allowed("b")
