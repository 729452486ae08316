import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.binary import MAX_TIMESTAMP_MS, BinaryAppend, BinaryKind, parse_binary
from streams.errors import InvalidRequestError

NO_TIME = b"\xff" * 8


def refusal(message):
    with pytest.raises(InvalidRequestError) as caught:
        parse_binary(message)
    assert caught.value.message
    return caught.value.code, caught.value.param


def test_the_layout_is_a_byte_eight_bytes_and_the_data():
    assert BinaryAppend(BinaryKind.AUDIO, b"pcm").pack() == b"\x01" + NO_TIME + b"pcm"
    frame = BinaryAppend(BinaryKind.IMAGE, b"jpeg", 1_500_000)
    assert frame.pack() == b"\x02" + (1_500_000).to_bytes(8, "big") + b"jpeg"


@given(st.binary(max_size=32), st.none() | st.integers(0, MAX_TIMESTAMP_MS * 1_000))
def test_what_was_packed_is_parsed(data, timestamp_us):
    for append in (
        BinaryAppend(BinaryKind.AUDIO, data),
        BinaryAppend(BinaryKind.IMAGE, data, timestamp_us),
    ):
        assert parse_binary(append.pack()) == append


@pytest.mark.parametrize("message", [b"", b"\x01", b"{}", b"\x01" + NO_TIME[:-1]])
def test_a_message_without_room_for_its_head_is_no_frame(message):
    assert refusal(message) == ("invalid_frame", None)


@pytest.mark.parametrize("kind", [0, 3, 0x7B, 255])
def test_another_kind_is_no_frame(kind):
    assert refusal(bytes([kind]) + NO_TIME + b"data") == ("invalid_frame", "kind")


def test_sound_takes_no_time_and_a_picture_no_time_past_the_bound():
    assert refusal(b"\x01" + bytes(8) + b"pcm") == ("unsupported_value", "timestamp_ms")
    past = (MAX_TIMESTAMP_MS * 1_000 + 1).to_bytes(8, "big")
    assert refusal(b"\x02" + past + b"jpeg") == ("invalid_value", "timestamp_ms")


@given(st.binary(max_size=64))
def test_any_bytes_are_an_append_or_refused(message):
    try:
        append = parse_binary(message)
    except InvalidRequestError:
        return
    assert append.pack() == message
