"""How two hypotheses about the same sound compare, word by word."""

from __future__ import annotations

from collections.abc import Sequence

from streams.types import Word


def normalize_word(text: str) -> str:
    """``text`` as two hypotheses compare it: lower case, letters and digits only."""
    return "".join(filter(str.isalnum, text.lower()))


def same_word(one: Word, other: Word) -> bool:
    return normalize_word(one.text) == normalize_word(other.text)


def split_after(confirmed: Sequence[Word], words: Sequence[Word]) -> int:
    """How many of ``words`` are the ``confirmed`` ones heard again.

    The prefix of ``words`` with the least edit distance to ``confirmed``; of equals, the one that ends
    nearest in time. Distance holds where times do not: Whisper's word times move by tenths of a second.
    """
    if not confirmed:
        return 0
    distances = list(range(len(words) + 1))
    for row, word in enumerate(confirmed, 1):
        diagonal, distances[0] = distances[0], row
        for column, other in enumerate(words, 1):
            substituted = diagonal + (not same_word(word, other))
            diagonal = distances[column]
            distances[column] = min(substituted, diagonal + 1, distances[column - 1] + 1)
    end_us = confirmed[-1].end_us

    def rank(count: int) -> tuple[int, int]:
        reached_us = words[count - 1].end_us if count else confirmed[0].start_us
        return distances[count], abs(reached_us - end_us)

    return min(range(len(words) + 1), key=rank)
