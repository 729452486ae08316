import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.conversation import FIRST, AudioContent, ImageContent, Message, TextContent
from streams.errors import InvalidRequestError
from streams.item_list import ItemList
from streams.types import AudioChunk

PLACES = st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.integers(-1, 9)), max_size=40)


def item(item_id):
    return Message(item_id, "user", (TextContent(item_id),))


@given(PLACES)
def test_items_stand_where_they_were_put(steps):
    items, expected = ItemList(), []
    for number, (step, place) in enumerate(steps):
        if step == "remove" and expected:
            items.remove(expected.pop(place % len(expected)))
        elif step == "add":
            place = min(place, len(expected) - 1)
            before = expected[place] if place >= 0 else None
            assert items.add(item(f"i{number}"), before or FIRST) == before
            expected.insert(place + 1, f"i{number}")
        assert items.last == (expected[-1] if expected else None)
        assert len(items) == len(expected)
        assert all(items.get(item_id).id == item_id for item_id in expected)


def test_the_oldest_leave_a_list_that_is_full():
    items = ItemList(max_items=3)
    for item_id in "abcd":
        items.add(item(item_id))
    assert len(items) == 3
    with pytest.raises(InvalidRequestError) as caught:
        items.get("a")
    assert caught.value.code == "item_not_found"
    items.replace(item("a"))
    assert len(items) == 3


def test_pictures_and_sound_are_not_kept_but_what_they_showed_and_said():
    items = ItemList()
    picture = ImageContent(np.zeros((4, 4, 3), np.uint8), "data:image/png;base64,AAAA", "a cat")
    sound = AudioContent("Hello.", AudioChunk(0, 24_000, np.zeros(10, np.float32)))
    for put in (items.add, items.replace):
        put(Message("a", "user", (picture, sound)))
        seen, heard = items.get("a").content
        assert (seen.image.size, seen.url, seen.shows) == (0, "", "a cat")
        assert heard == AudioContent("Hello.")
