import numpy as np
import pytest

from memory.block import BlockInfo
from memory.recall.likeness import Likeness
from memory.recall.policy import Entry
from streams.types import US_PER_S, BlockKind

FRAME, SAID, REPLY = BlockKind.FRAME, BlockKind.UTTERANCE, BlockKind.REPLY


def info(block_id, kind, at_s, text):
    return BlockInfo(block_id, kind, at_s * US_PER_S, (at_s + 1) * US_PER_S, text, 5)


def never(block_id):
    raise AssertionError(f"the entry of {block_id} was read")


@pytest.mark.parametrize(
    ("kind", "one", "other", "alike"),
    [
        (FRAME, "tabby cat, sofa", "sofa, tabby cat", True),
        (FRAME, "tabby cat, sofa", "Tabby cat", True),
        (FRAME, "tabby cat", "Egyptian cat", False),
        (SAID, "the bus leaves at four", "the bus leaves at five", False),
        (SAID, "Yes, please.", "yes please", True),
        (REPLY, "I can see a cat on a sofa.", "I can see a cat on a chair.", False),
    ],
)
def test_frames_are_alike_by_most_of_their_words_and_speech_by_all(kind, one, other, alike):
    assert Likeness(never)(info(1, kind, 0, one), info(2, kind, 5, other)) is alike


def test_one_moment_lasts_half_a_minute_and_what_is_the_same_for_ever():
    alike = Likeness(never)
    one, other = info(1, FRAME, 0, "a cat"), info(2, FRAME, 31, "a cat")
    assert not alike(one, other)
    assert alike.same(one, other)
    assert alike(one, info(2, FRAME, 30, "a cat"))


def test_entries_are_read_only_where_words_and_time_leave_it_open():
    alike = Likeness(never)
    assert not alike(info(1, FRAME, 0, "a cat"), info(2, FRAME, 99, ""))
    assert not alike(info(1, FRAME, 0, ""), info(2, SAID, 5, ""))
    with pytest.raises(AssertionError, match="the entry of 1"):
        alike(info(1, FRAME, 0, "a cat"), info(2, FRAME, 5, ""))
    assert not Likeness(None)(info(1, FRAME, 0, ""), info(2, FRAME, 5, ""))


NEAR = np.array([[[1.0, 0.0]], [[5.0, 5.0]]])
NEARLY = np.array([[[2.0, 0.1]], [[5.0, 5.1]]])
FAR = np.array([[[0.0, 1.0]], [[5.0, 5.0]]])
CAT, MOSTLY_CAT, DOG, NOTHING = ([3, 0], [4, 3], [0, 0.5], [0, 0])


@pytest.mark.parametrize(
    ("one", "other", "alike", "same"),
    [
        ((FAR, CAT), (NEAR, MOSTLY_CAT), True, True),  # what is likely goes before digests
        ((NEAR, CAT), (NEARLY, DOG), False, False),
        ((NEAR, CAT), (NEARLY, NOTHING), False, False),  # what is known of the one is not of the other
        ((NEAR, CAT), (NEARLY, [1, 0, 0]), False, False),  # of two models
        ((NEAR, NOTHING), (NEARLY, NOTHING), True, False),  # digests tell of one moment, not of one thing
        ((NEAR, NOTHING), (FAR, NOTHING), False, False),
        ((NEAR, None), (NEARLY, None), True, False),
        ((NEAR, None), (FAR, None), False, False),
    ],
)
def test_frames_without_words_are_alike_by_what_is_likely_or_else_by_their_digests(one, other, alike, same):
    first, second = info(1, FRAME, 0, ""), info(2, FRAME, 5, "")

    def entry(block_id):
        digest, meaning = one if block_id == 1 else other
        return Entry(first, digest, None if meaning is None else np.array(meaning, np.float16))

    assert Likeness(entry)(first, second) is alike
    assert Likeness(entry)(info(1, FRAME, 0, "mug"), second) is alike
    assert Likeness(entry).same(first, second) is same
