import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.server.token import ResumeToken, locator_of


def test_each_use_gives_the_next():
    token = ResumeToken()
    first = token.issue()
    second = token.rotate(first)
    assert second is not None
    assert second != first
    assert locator_of(first) == locator_of(second) == token.locator
    token.arrived()
    assert token.rotate(first) is None
    assert token.rotate(second) is not None


def test_the_one_used_last_is_good_until_the_new_one_has_arrived():
    token = ResumeToken()
    first = token.issue()
    lost = token.rotate(first)
    third = token.rotate(first)
    token.arrived()
    assert token.rotate(lost) is None
    assert token.rotate(third) is not None


def test_a_new_first_token_makes_those_before_void():
    token = ResumeToken()
    first = token.issue()
    second = token.rotate(first)
    token.issue()
    assert token.rotate(first) is None
    assert token.rotate(second) is None


def test_the_secret_itself_is_not_kept():
    token = ResumeToken()
    secret = token.issue().partition(".")[2]
    assert secret not in repr(vars(token))


@pytest.mark.parametrize("given", ["", ".", "\ud800"])
def test_without_a_token_given_out_there_is_none(given):
    assert ResumeToken().rotate(given) is None


@given(st.text())
def test_nothing_else_is_taken_for_it(guess):
    token = ResumeToken()
    token.issue()
    assert token.rotate(guess) is None
    assert token.rotate(f"{token.locator}.{guess}") is None
