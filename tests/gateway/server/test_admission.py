from http import HTTPStatus

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request

from gateway.access.limits import Limits
from gateway.access.load import Load
from gateway.server.admission import DRAINING, Admission, query_of
from gateway.server.refusal import Refusal
from gateway.server.visit import Party, Visit
from streams.config import ServerConfig

PARTY = Party("alice", "phone", Limits(max_sessions=2), "127.0.0.1")


class Door:
    """An admission, and what it asks: who comes, how many are there, and how busy the models are."""

    def __init__(self, **config):
        self.party = PARTY
        self.sockets = self.sessions = self.of_key = 0
        self.waits_s = {"llm": 0.0}
        settings = ServerConfig(**{"max_sessions": 3, "max_wait_ms": 1_000} | config)
        load = Load(lambda: self.waits_s, settings.max_wait_ms)
        self.admission = Admission(settings, load, self, self)

    def identify(self, request, address):
        return self.party

    def sessions_of(self, key):
        return self.of_key

    def knock(self, query="", **headers):
        fields = Headers({"Host": "127.0.0.1:8765"} | headers)
        return self.admission.admit(Request(f"/v1/realtime{query}", fields), "127.0.0.1")

    def turned_away(self, query="", **headers):
        refusal = self.knock(query, **headers)
        assert isinstance(refusal, Refusal), refusal
        return refusal.status, refusal.reason, refusal.param


@pytest.fixture
def door():
    return Door()


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", Visit(PARTY, "streams", None)),
        ("?model=gpt-realtime&session=kitchen", Visit(PARTY, "gpt-realtime", "kitchen")),
        ("?intent=transcription", Visit(PARTY, "streams", None, transcribes=True)),
        ("?resume=1", Visit(PARTY, "streams", None, resumes=True)),
    ],
)
def test_what_a_client_comes_for(door, query, wanted):
    assert door.knock(query) == wanted


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("?intent=conversation", "intent"),
        ("?call_id=rtc_1", "call_id"),
        ("?resume=yes", "resume"),
        ("?resume=1&session=kitchen", "session"),
        ("?intent=transcription&session=kitchen", "session"),
    ],
)
def test_what_is_not_served_is_named(door, query, param):
    assert door.turned_away(query) == (HTTPStatus.BAD_REQUEST, "unsupported", param)


def test_who_is_not_known_is_turned_away_for_that(door):
    door.party = Refusal(HTTPStatus.UNAUTHORIZED, "wrong_key", "invalid_api_key", "wrong")
    assert door.knock() is door.party


def test_the_last_place_is_given_and_no_more(door):
    door.sessions = 2
    assert isinstance(door.knock(), Visit)
    door.sessions = 3
    assert door.turned_away() == (HTTPStatus.SERVICE_UNAVAILABLE, "full", None)
    assert door.knock().retry_after_s


def test_a_key_has_places_of_its_own(door):
    door.of_key = 2
    assert door.turned_away() == (HTTPStatus.TOO_MANY_REQUESTS, "key_full", None)
    door.party = Party("alice", "phone", Limits(), "127.0.0.1")
    assert isinstance(door.knock(), Visit)


def test_too_much_to_do_is_said_with_what_waits(door):
    door.waits_s = {"llm": 0.2, "asr": 1.2}
    assert door.turned_away() == (HTTPStatus.SERVICE_UNAVAILABLE, "overloaded", None)
    assert "asr waits 1.2 s" in door.knock().message


def test_who_comes_back_needs_no_place_but_a_socket(door):
    door.sessions, door.waits_s = 3, {"llm": 9.0}
    assert door.knock("?resume=1").resumes
    door.sockets = 6
    assert door.turned_away("?resume=1") == (HTTPStatus.SERVICE_UNAVAILABLE, "full", None)


@pytest.mark.parametrize("query", ["", "?resume=1"])
def test_a_server_that_stops_lets_nobody_in(door, query):
    door.admission.drain()
    assert door.knock(query) is DRAINING
    assert door.admission.closed() is DRAINING


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "127.0.0.1:8765"),
        ("http://rebound.example:8765", "rebound.example:8765"),
    ],
)
def test_pages_of_others_stay_out_before_anybody_asks_who_they_are(door, origin, host):
    own = door.knock(Origin="http://127.0.0.1:8765", Host="127.0.0.1:8765")
    assert isinstance(own, Visit)
    door.party = None  # is not asked for
    refusal = door.knock(Origin=origin, Host=host)
    assert (refusal.status, refusal.code) == (HTTPStatus.FORBIDDEN, "origin_not_allowed")


def test_two_origins_are_none(door):
    headers = Headers({"Host": "127.0.0.1:8765", "Origin": "http://127.0.0.1:8765"})
    headers["Origin"] = "http://127.0.0.1:8765"
    refusal = door.admission.admit(Request("/v1/realtime", headers), "127.0.0.1")
    assert refusal.code == "origin_not_allowed"


def test_of_a_parameter_given_twice_the_last_counts_and_an_empty_one_is_there():
    assert query_of(Request("/v1/realtime?model=a&model=b&session=", Headers())) == {
        "model": "b",
        "session": "",
    }
