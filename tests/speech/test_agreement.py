from __future__ import annotations

import pytest

from speech.agreement import split_after
from streams.types import Word


def words(text: str, start_s: float = 0.0) -> list[Word]:
    begin = int(start_s * 1e6)
    return [Word(t, begin + n * 300_000, begin + (n + 1) * 300_000) for n, t in enumerate(text.split())]


@pytest.mark.parametrize(
    ("confirmed", "heard", "rest"),
    [
        ("", "the cat sat", "the cat sat"),
        ("the cat", "The cat, sat", "sat"),
        ("the cat", "a cat sat", "sat"),
        ("the the cat", "the cat sat", "sat"),
        ("the cat sat", "", ""),
        ("no no", "no no no", "no"),
    ],
)
def test_what_was_confirmed_is_found_again(confirmed: str, heard: str, rest: str) -> None:
    hypothesis = words(heard)
    assert [word.text for word in hypothesis[split_after(words(confirmed), hypothesis) :]] == rest.split()


def test_of_equal_places_the_one_nearest_in_time_counts() -> None:
    confirmed = words("room twenty one")
    heard = [Word("room", 0, 300_000), Word("21", 300_000, 950_000), *words("is free", 0.95)]
    assert split_after(confirmed, heard) == 2
