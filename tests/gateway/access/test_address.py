import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.address import client_address, network_of

PROXY = "10.0.0.1"


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("9.9.9.9", [], "9.9.9.9"),
        ("9.9.9.9", ["1.1.1.1"], "9.9.9.9"),  # who says so is nobody's proxy
        (PROXY, ["1.1.1.1"], "1.1.1.1"),
        (PROXY, ["6.6.6.6, 1.1.1.1"], "1.1.1.1"),  # what the client wrote itself is not believed
        (PROXY, ["6.6.6.6", "1.1.1.1"], "1.1.1.1"),
        (PROXY, ["1.1.1.1, 10.0.0.2"], "1.1.1.1"),
        (PROXY, ["nonsense"], PROXY),
        (PROXY, [""], PROXY),
        ("::ffff:10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("fe80::1%eth0", [], "fe80::1"),
    ],
)
def test_the_client_is_who_the_last_trusted_proxy_saw(peer, forwarded, address):
    assert client_address(peer, forwarded, (PROXY, "10.0.0.2")) == address


def test_a_network_of_ipv6_counts_as_one():
    assert (
        network_of("2001:db8:0:1::5") == network_of("2001:db8:0:1:ffff::9") != network_of("2001:db8:0:2::5")
    )
    assert network_of("1.2.3.4") == "1.2.3.4" != network_of("1.2.3.5")


@given(st.text(max_size=20), st.lists(st.text(max_size=20), max_size=3))
def test_any_text_gets_an_answer(peer, forwarded):
    network_of(client_address(peer, forwarded, (peer,)))
