import pytest

from gateway.access.limits import NO_LIMITS, Limits, configured_limits
from streams.config import ServerConfig
from streams.errors import ConfigError


def test_a_keys_own_limits_go_before_those_of_the_server():
    server = configured_limits(ServerConfig(max_sessions_per_key=2, responses_per_minute=30))
    assert server == Limits(2, 30, None)
    assert Limits(max_sessions=5, audio_seconds_per_minute=90).over(server) == Limits(5, 30, 90)
    assert configured_limits(ServerConfig()) == NO_LIMITS


@pytest.mark.parametrize("name", ["max_sessions", "responses_per_minute", "audio_seconds_per_minute"])
def test_less_than_one_of_anything_is_refused_by_name(name):
    with pytest.raises(ConfigError, match="at least 1") as caught:
        Limits(**{name: 0})
    assert caught.value.param == name
