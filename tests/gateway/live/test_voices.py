from typing import Literal, get_args

import pytest
from openai.types.realtime import realtime_audio_config_output

from gateway.live.voices import API_VOICES, check_speed, resolve_voice
from streams.errors import InvalidRequestError


def test_every_voice_of_the_api_is_the_default_one():
    union = get_args(realtime_audio_config_output.Voice)
    literal = next(each for each in union if getattr(each, "__origin__", None) is Literal)
    assert set(get_args(literal)) <= set(API_VOICES)
    assert {resolve_voice(name, ("heart", "emma")) for name in API_VOICES} == {None}


def test_a_voice_that_is_here_is_itself_whatever_the_api_calls_so():
    assert resolve_voice("emma", ("heart", "emma")) == "emma"
    assert resolve_voice("fable", ("heart", "fable")) == "fable"


def test_another_name_is_refused_with_the_names_there_are():
    with pytest.raises(InvalidRequestError, match="heart, emma") as caught:
        resolve_voice("nobody", ("heart", "emma"))
    assert caught.value.param == "voice"


def test_a_speed_that_the_voice_cannot_speak_at_is_refused_with_those_it_can():
    for speed in (0.5, 1.0, 2.0):
        check_speed(speed, (0.5, 2.0))
    for speed in (0.25, 2.5):
        with pytest.raises(InvalidRequestError, match=r"0\.5 to 2\.0") as caught:
            check_speed(speed, (0.5, 2.0))
        assert caught.value.param == "speed"
