"""On whose behalf a request comes, by its key."""

from __future__ import annotations

from http import HTTPStatus

from websockets.http11 import Request

from gateway.access.address import network_of
from gateway.access.credentials import secret_of
from gateway.access.key_ring import KeyRing
from gateway.access.limits import configured_limits
from gateway.server.attempts import Attempts
from gateway.server.refusal import Refusal
from gateway.server.visit import Party
from memory.store.identity import DEFAULT_TENANT
from streams.config import ServerConfig
from streams.errors import ConfigError
from streams.log import get_logger

RETRY_S = 60.0

log = get_logger(__name__)


class Authentication:
    """Without a file of keys everybody is the default tenant.

    Who has a key is never kept out by others who guess from the same address: only failures count, and
    what they cost is the answer that a key is wrong.
    """

    def __init__(self, config: ServerConfig, attempts: Attempts | None = None) -> None:
        """Raises ConfigError when the file of keys cannot be used."""
        self._ring = None if config.keys_file is None else KeyRing(config.keys_file)
        self._limits = configured_limits(config)
        self._attempts = attempts or Attempts()

    def identify(self, request: Request, address: str) -> Party | Refusal:
        if self._ring is None:
            return Party(DEFAULT_TENANT, None, self._limits, address)
        secret = secret_of(request.headers)
        if secret is None:
            return _unauthorized(
                "no_key",
                "An API key is needed: as 'Authorization: Bearer KEY', or as the subprotocol "
                "'openai-insecure-api-key.KEY'",
            )
        try:
            key = self._ring.find(secret)
        except ConfigError as error:
            log.warning("keys_unusable", error=error.message)
            status = HTTPStatus.SERVICE_UNAVAILABLE
            message = "No key can be checked now"
            return Refusal(status, "keys_unusable", "keys_unusable", message, retry_after_s=RETRY_S)
        if key is None:
            return self._wrong(network_of(address))
        return Party(key.tenant, key.name, key.limits.over(self._limits), address)

    def _wrong(self, network: str) -> Refusal:
        if not self._attempts.allowed(network):
            status = HTTPStatus.TOO_MANY_REQUESTS
            message = "Too many wrong API keys; try again later"
            return Refusal(status, "too_many_attempts", "rate_limit_exceeded", message, retry_after_s=RETRY_S)
        self._attempts.failed(network)
        return _unauthorized("wrong_key", "The API key is wrong, or was revoked")


def _unauthorized(reason: str, message: str) -> Refusal:
    headers = {"WWW-Authenticate": "Bearer"}
    return Refusal(HTTPStatus.UNAUTHORIZED, reason, "invalid_api_key", message, more_headers=headers)
