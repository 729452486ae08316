"""That nobody serves the world by accident."""

from __future__ import annotations

from gateway.access.origin import is_loopback
from streams.config import ServerConfig
from streams.errors import ConfigError


def check_exposure(config: ServerConfig) -> None:
    """Raises ConfigError when other machines could connect and nobody said who may."""
    if config.keys_file is not None or config.open or is_loopback(config.host):
        return
    raise ConfigError(
        f"{config.host or 'every address'} can be reached from other machines, and anybody could open "
        "sessions: make keys with 'streams keys add' and set server.keys_file, listen on 127.0.0.1, "
        "or set server.open = true to mean it",
        param="server.keys_file",
    )
