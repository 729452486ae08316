import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.rate import TokenBucket


@pytest.fixture
def clock():
    now = [100.0]

    def read():
        return now[0]

    read.now = now
    return read


def test_so_many_at_once_and_then_as_they_come(clock):
    bucket = TokenBucket(rate_per_s=2, burst=3, now=clock)
    assert [bucket.wait_s() or bucket.take() for _ in range(3)] == [0, 0, 0]
    assert bucket.wait_s() == 0.5
    assert bucket.full_in_s == 1.5
    clock.now[0] += 0.5
    assert bucket.wait_s() == 0
    bucket.take()
    clock.now[0] += 100
    assert bucket.left == 3


def test_what_may_not_be_refused_is_owed(clock):
    bucket = TokenBucket(rate_per_s=2, burst=2, now=clock)
    assert bucket.take(2) == 0
    assert bucket.take(5) == 2.5
    assert bucket.left == -5
    assert bucket.wait_s() == 3.0
    clock.now[0] += 3
    assert bucket.left == 1


@given(
    st.floats(0.1, 100),
    st.integers(1, 50),
    st.lists(st.tuples(st.floats(0, 5), st.integers(1, 5)), max_size=60),
)
def test_no_more_than_the_burst_and_the_rate_ever_pass(rate_per_s, burst, asked):
    now, passed = [0.0], 0
    bucket = TokenBucket(rate_per_s, burst, lambda: now[0])
    for pause_s, count in asked:
        now[0] += pause_s
        if bucket.wait_s(count) == 0:
            bucket.take(count)
            passed += count
        assert passed <= burst + rate_per_s * now[0] + 1e-6
