from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from speech.clause import ClauseSplitter


def split(text: str, min_chars: int = 24, first_min_chars: int | None = None) -> list[str]:
    splitter = ClauseSplitter(min_chars, first_min_chars)
    return [clause.strip() for clause in [*splitter.push(text), *splitter.flush()]]


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("I saw Dr. Smith and Mrs. Jones. They waved.", ["I saw Dr. Smith and Mrs. Jones.", "They waved."]),
        ("It costs $9.99 or 3.5 km. Fine.", ["It costs $9.99 or 3.5 km.", "Fine."]),
        ("J. K. Rowling wrote it. Really.", ["J. K. Rowling wrote it.", "Really."]),
        ("The U.S. Senate met. Good.", ["The U.S. Senate met.", "Good."]),
        (
            "At 10:30 a.m. it rained. At 2 p.m. The sun.",
            ["At 10:30 a.m. it rained.", "At 2 p.m.", "The sun."],
        ),
        ("See No. 5 there. Say no. Then go.", ["See No. 5 there.", "Say no.", "Then go."]),
        ("Well... maybe. Well... Yes.", ["Well... maybe.", "Well...", "Yes."]),
        ("Fruit, e.g. apples. Done.", ["Fruit, e.g. apples.", "Done."]),
        ('He said "Stop!" and left. Bye.', ['He said "Stop!" and left.', "Bye."]),
        ('"It is late." She left.', ['"It is late."', "She left."]),
        ("- one\n- two\n1. three\n2. four", ["- one", "- two", "1. three", "2. four"]),
        ("It ended in 1999. Then peace.", ["It ended in 1999.", "Then peace."]),
    ],
)
def test_sentences(text: str, clauses: list[str]) -> None:
    assert split(text, min_chars=200, first_min_chars=200) == clauses


def test_clauses_need_a_length_and_the_first_needs_less() -> None:
    text = "On the table, a cat, a cup, and a plate with three red apples, I think."
    assert split(text, 24, 10) == [
        "On the table,",
        "a cat, a cup, and a plate with three red apples,",
        "I think.",
    ]


def test_a_clause_comes_before_its_sentence_ends() -> None:
    splitter = ClauseSplitter(24, 10)
    assert splitter.push("There was a cat on the table,") == []
    assert splitter.push(" and") == ["There was a cat on the table,"]


def test_after_the_flush_a_new_text_begins() -> None:
    splitter = ClauseSplitter(24, 4)
    splitter.push("Long ago, it")
    assert splitter.flush() == [" it"]
    assert splitter.flush() == []
    assert splitter.push("Well, so") == ["Well,"]


TEXT = st.text(st.sampled_from("ab A1.,;:!?…—\n\"') Dr。"), max_size=80) | st.text(max_size=60)


@given(TEXT, st.lists(st.integers(0, 80)), st.integers(1, 30))
def test_nothing_is_lost_and_the_cuts_do_not_depend_on_the_pieces(
    text: str, cuts: list[int], min_chars: int
) -> None:
    whole, pieces = ClauseSplitter(min_chars), ClauseSplitter(min_chars)
    at_once = [*whole.push(text), *whole.flush()]
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    clauses = [c for a, b in pairwise(edges) for c in pieces.push(text[a:b])]
    clauses += pieces.flush()
    assert "".join(clauses) == text
    assert clauses == at_once
