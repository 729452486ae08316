"""Limits of rate, on a clock of the test's."""

import asyncio
import base64
import json

import numpy as np
import pytest
from websockets.asyncio.client import connect

from gateway.access.limits import NO_LIMITS, Limits
from gateway.server.metrics import Metrics
from gateway.server.server import GatewayServer
from gateway.server.throttle import Throttles
from gateway.server.visit import Party
from gateway.wire.command import AppendAudio, AppendFrame, CommitAudio, CreateResponse
from streams.config import ServerConfig, VideoConfig
from streams.conversation import ResponseOptions, SessionOptions
from streams.errors import InvalidRequestError
from streams.events import ResponseCreated

RATE = 24_000
RESPOND = CreateResponse(ResponseOptions(), None)
MINUTE_S = 60


def sound(seconds):
    return AppendAudio(np.zeros(round(seconds * RATE), np.float32), RATE)


def party(key="phone", address="1.2.3.4", **limits):
    return Party("tenant", key, Limits(**limits) if limits else NO_LIMITS, address)


class Place:
    """Throttles on a clock that moves when somebody sleeps, or a test says so."""

    def __init__(self, **config):
        self.now_s = 0.0
        self.metrics = Metrics()
        self.throttles = Throttles(ServerConfig(**config), self.metrics, lambda: self.now_s)

    def throttle(self, who):
        throttle = self.throttles.of(who)
        throttle._sleep = self.sleep
        return throttle

    async def sleep(self, seconds):
        self.now_s += seconds


def spend(throttle, *commands):
    async def all_of_them():
        for command in commands:
            await throttle.spend(command)

    asyncio.run(all_of_them())


def refused(throttle, command):
    with pytest.raises(InvalidRequestError) as caught:
        spend(throttle, command)
    assert caught.value.code == "rate_limit_exceeded"
    return caught.value.message


def test_messages_past_the_rate_are_refused_and_media_wait():
    place = Place(messages_per_second=10, messages_burst=5)
    throttle = place.throttle(party())
    spend(throttle, *[CommitAudio()] * 5)
    assert "messages; try again in 0.1 s" in refused(throttle, CommitAudio())
    spend(throttle, *[AppendFrame("", None)] * 10, *[sound(0.02)] * 10)
    assert place.now_s == pytest.approx(2.0)
    delayed = place.metrics.registry.get_sample_value("streams_media_delayed_seconds_total")
    assert delayed == pytest.approx(2.0)


def test_sound_past_the_limit_waits_and_is_counted():
    place = Place()
    throttle = place.throttle(party(audio_seconds_per_minute=120))
    spend(throttle, sound(100), sound(20))
    assert place.now_s == 0
    spend(throttle, sound(10))
    assert place.now_s == pytest.approx(5.0)  # at twice the speed of speech
    assert place.metrics.registry.get_sample_value("streams_audio_in_seconds_total") == pytest.approx(130)


def test_responses_past_the_limit_are_refused_until_time_has_passed():
    place = Place()
    throttle = place.throttle(party(responses_per_minute=2))
    for _ in range(2):
        spend(throttle, RESPOND)
        throttle.response_created()
    assert "responses; try again in 30.0 s" in refused(throttle, RESPOND)
    place.now_s += 30
    spend(throttle, RESPOND)
    spend(throttle, RESPOND)  # what was asked for and not created does not count


def test_answers_to_spoken_turns_count_and_are_not_refused():
    place = Place()
    throttle = place.throttle(party(responses_per_minute=2))
    for _ in range(4):
        throttle.response_created()
    assert throttle.responses.left == -2
    assert "90.0 s" in refused(throttle, RESPOND)


def test_sessions_of_one_key_share_and_others_do_not():
    place = Place()
    own = place.throttle(party("phone", responses_per_minute=1))
    own.response_created()
    refused(place.throttle(party("phone", address="5.6.7.8", responses_per_minute=1)), RESPOND)
    spend(place.throttle(party("laptop", responses_per_minute=1)), RESPOND)


def test_without_keys_it_is_the_address_that_counts():
    place = Place()
    place.throttle(party(None, "2001:db8::1", responses_per_minute=1)).response_created()
    refused(place.throttle(party(None, "2001:db8::2", responses_per_minute=1)), RESPOND)
    spend(place.throttle(party(None, "2001:db9::1", responses_per_minute=1)), RESPOND)


def test_a_limit_that_was_changed_counts_anew():
    place = Place()
    place.throttle(party(responses_per_minute=1)).response_created()
    spend(place.throttle(party(responses_per_minute=5)), RESPOND)


def test_on_media_time_messages_are_as_fast_as_they_are_dealt_with():
    throttle = Place(clock="media", messages_per_second=1, messages_burst=1).throttle(party())
    spend(throttle, *[CommitAudio()] * 100)


def test_over_the_wire_a_limit_is_told_of_and_past_it_an_error_names_it(sessions, judge):
    async def scenario():
        config = ServerConfig(port=0, responses_per_minute=1)
        async with (
            GatewayServer(config, VideoConfig(), sessions) as server,
            connect(server.url) as client,
        ):

            async def receive():
                return judge(json.loads(await client.recv()))

            await receive()
            sessions.live[0].emit(ResponseCreated("resp_1", SessionOptions(), True))
            assert (await receive()).type == "response.created"
            (limit,) = (await receive()).rate_limits
            assert (limit.name, limit.limit, limit.remaining) == ("requests", 1, 0)
            assert 0 < limit.reset_seconds <= 60
            await client.send(json.dumps({"type": "response.create", "event_id": "mine"}))
            error = (await receive()).error
            assert (error.code, error.event_id) == ("rate_limit_exceeded", "mine")
            audio = base64.b64encode(bytes(480)).decode()
            await client.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))
            await client.send(json.dumps({"type": "input_audio_buffer.clear"}))
            assert (await receive()).type == "input_audio_buffer.cleared"
            assert [name for name, _ in sessions.live[0].calls] == ["append_audio", "clear_audio"]

    asyncio.run(asyncio.wait_for(scenario(), MINUTE_S))
