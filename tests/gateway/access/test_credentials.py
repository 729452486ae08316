import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers

from gateway.access.credentials import SUBPROTOCOL, secret_of


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ([("Authorization", "Bearer sk-1")], "sk-1"),
        ([("authorization", "bearer  sk-1 ")], "sk-1"),
        ([("Sec-WebSocket-Protocol", f"realtime, {SUBPROTOCOL}sk-1")], "sk-1"),
        ([("Sec-WebSocket-Protocol", "realtime"), ("Sec-WebSocket-Protocol", f"{SUBPROTOCOL}sk-1")], "sk-1"),
        ([("Authorization", "Bearer sk-1"), ("Sec-WebSocket-Protocol", f"{SUBPROTOCOL}sk-2")], "sk-1"),
        ([], None),
        ([("Authorization", "Bearer")], None),
        ([("Authorization", "Bearer ")], None),
        ([("Authorization", "Basic sk-1")], None),
        ([("Authorization", "sk-1")], None),
        ([("Authorization", "Bearer sk-1"), ("Authorization", "Bearer sk-2")], None),
        ([("Sec-WebSocket-Protocol", "realtime, sk-1")], None),
        ([("Sec-WebSocket-Protocol", SUBPROTOCOL)], None),
        ([("Sec-WebSocket-Protocol", f"{SUBPROTOCOL}sk-1, {SUBPROTOCOL}sk-2")], None),
    ],
)
def test_the_key_is_where_the_apis_clients_put_it(headers, secret):
    assert secret_of(Headers(headers)) == secret


NAMES = st.sampled_from(["Authorization", "Sec-WebSocket-Protocol"])
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)


@given(st.lists(st.tuples(NAMES, VALUES | VALUES.map("Bearer ".__add__) | VALUES.map(SUBPROTOCOL.__add__))))
def test_any_headers_get_an_answer(headers):
    assert secret_of(Headers(headers)) != ""
