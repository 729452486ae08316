from pathlib import Path

import pytest

from gateway.access.exposure import check_exposure
from streams.config import ServerConfig
from streams.errors import ConfigError


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "", "example.com"])
def test_nobody_serves_the_world_by_accident(host):
    with pytest.raises(ConfigError, match="streams keys add") as caught:
        check_exposure(ServerConfig(host=host))
    assert caught.value.param == "server.keys_file"
    check_exposure(ServerConfig(host=host, open=True))
    check_exposure(ServerConfig(host=host, keys_file=Path("keys.json")))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_alone_needs_no_keys(host):
    check_exposure(ServerConfig(host=host))
