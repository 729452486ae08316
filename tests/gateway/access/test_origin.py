import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.origin import is_loopback, origin_allowed


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "example.com"),  # a program, which says nothing
        ("http://example.com", "example.com"),
        ("https://example.com", "example.com"),  # TLS may end at a proxy: the host is what counts
        ("https://example.com", "example.com:443"),
        ("http://Example.COM:8765", "example.com:8765"),
        ("http://[::1]:8765", "[::1]:8765"),
    ],
)
def test_programs_and_the_servers_own_pages_may_connect(origin, host):
    assert origin_allowed(origin, host, ())


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.com", "example.com"),
        ("http://example.com:81", "example.com"),
        ("http://example.com.evil.com", "example.com"),
        ("null", "example.com"),
        ("file:///page.html", "example.com"),
        ("http://example.com/path", "example.com"),
        ("http://example.com", None),
        ("http://example.com", ""),
        ("http://example.com:99999", "example.com:99999"),
        ("", ""),
    ],
)
def test_other_pages_may_not(origin, host):
    assert not origin_allowed(origin, host, ())


def test_pages_that_are_listed_may():
    allowed = ("https://app.example.com",)
    assert origin_allowed("https://app.example.com", "api.example.com", allowed)
    assert not origin_allowed("http://app.example.com", "api.example.com", allowed)
    assert origin_allowed("https://any.com", "api.example.com", ("*",))


def test_a_name_that_was_made_to_lead_here_is_not_this_machine():
    rebound = "http://evil.com:8765"
    assert not origin_allowed(rebound, "evil.com:8765", (), is_local=True)
    for own in ("localhost", "127.0.0.1", "[::1]"):
        assert origin_allowed(f"http://{own}:8765", f"{own}:8765", (), is_local=True)


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("192.168.1.2", False),
        ("localhost.evil.com", False),
    ],
)
def test_what_only_this_machine_reaches(host, answer):
    assert is_loopback(host) is answer


@given(st.text(max_size=20), st.none() | st.text(max_size=20))
def test_any_text_gets_an_answer(origin, host):
    assert origin_allowed(origin, host, ()) in (True, False)
