from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.spoken import spoken


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("The cat at [02:13].", "The cat at 2 minutes 13 seconds."),
        ("At 02:13 or 00:45, or 1:00:01", "At 2 minutes 13 seconds or 45 seconds, or 1 hour 1 second"),
        ("[00:00]", "0 seconds"),
        ("Meet at 10:30 am, or 08:15 am, or 12:05.", "Meet at 10:30 am, or 08:15 am, or 12:05."),
        ("**Bold**, *thin*, `code`, __both__", "Bold, thin, code, both"),
        ("# A title\nThe text.", "A title. The text."),
        ("Seen:\n- a cat\n* a cup\n• a dog", "Seen: a cat. a cup. a dog"),
        ("a wrapped line\nof text", "a wrapped line of text"),
        ("Great 😀 job ☕️ 👍🏽 done", "Great job done"),
        ("See [the page](http://x.com/a_b).", "See the page."),
        ("Go to https://www.example.com/a?b=1.", "Go to example.com."),
        ("<b>Hi</b> there, 1 < 2", "Hi there, 1 < 2"),
        ("Fruit, e.g. apples, i.e. food", "Fruit, for example, apples, that is, food"),
        ("No. 5 and Nos. 6", "number 5 and numbers 6"),
        ("1 m, 100 m, 3 m/s, ~5", "1 meter, 100 meters, 3 meters per second, about 5"),
        ("3 x 4, 2 * 3, 5x", "3 by 4, 2 times 3, 5 times"),
        ("Dr. Smith, $9.99, 3.5 km, 21st, 3/4, 20°C", "Dr. Smith, $9.99, 3.5 km, 21st, 3/4, 20°C"),
        ("😀", ""),
        ("", ""),
    ],
)
def test_readings(written: str, said: str) -> None:
    assert spoken(written) == said


@given(st.text("abc ABC,.?!'", max_size=60))
def test_plain_text_is_left_alone(text: str) -> None:
    assert spoken(text) == " ".join(text.split())


@given(st.text(max_size=80))
def test_any_text_can_be_read(text: str) -> None:
    assert "*" not in spoken(text)
