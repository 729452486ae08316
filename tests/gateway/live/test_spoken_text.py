from hypothesis import given
from hypothesis import strategies as st

from gateway.live.spoken_text import SpokenText

WORD = st.text("abc,.", min_size=1, max_size=6)
CLAUSE = st.lists(WORD, min_size=1, max_size=5).map(" ".join)
CLAUSES = st.lists(st.tuples(CLAUSE, st.integers(1, 3_000_000)), max_size=4)


def spoken(clauses):
    text = SpokenText()
    for number, (clause, duration_us) in enumerate(clauses):
        text.add(f" {clause}" if number else clause, duration_us)
    return text


@given(CLAUSES, st.integers(0, 13_000_000), st.integers(0, 13_000_000))
def test_words_are_heard_whole_and_more_with_time(clauses, one_us, other_us):
    text = spoken(clauses)
    whole = " ".join(clause for clause, _ in clauses)
    earlier, later = (text.until(at_us) for at_us in sorted((one_us, other_us)))
    assert whole.startswith(later)
    assert later.startswith(earlier)
    for heard in (earlier, later):
        assert heard == whole or whole[len(heard)] == " " or not heard
    assert text.until(text.duration_us) == whole
    assert text.until(0) == ""


def test_a_clause_without_sound_is_heard_with_the_next():
    text = spoken([("One.", 1_000_000), ("*", 0), ("Two three.", 1_000_000)])
    assert text.until(999_999) == ""
    assert text.until(1_600_000) == "One. * Two"
