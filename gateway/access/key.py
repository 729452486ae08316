"""API keys: how one is made, and what is kept of it."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from gateway.access.limits import NO_LIMITS, Limits
from memory.store.identity import SessionKey
from streams.errors import ConfigError, MemoryStoreError

PREFIX = "sk-streams-"
"""By which people and scanners of source code know a key when they see one."""

SECRET_BYTES = 32

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key: all but the key.

    ``digest`` is its SHA-256 in hexadecimal. A key is 256 random bits, which nobody can try out, so the
    slow hash that a password needs would only make every handshake slow. What its ``limits`` leave open
    is as the server's settings say; ``created`` is a date, for people. Raises ConfigError.
    """

    name: str
    tenant: str
    digest: str
    created: str
    limits: Limits = NO_LIMITS

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            problem = "1 to 64 of A-Z a-z 0-9 . _ - are wanted, not beginning with a dot"
            raise ConfigError(f"{self.name!r} cannot name a key: {problem}", param="name")
        try:
            SessionKey(self.tenant, "any")
        except MemoryStoreError as error:
            raise ConfigError(error.message, param="tenant") from None
        if _DIGEST.fullmatch(self.digest) is None:
            raise ConfigError(f"the digest of key '{self.name}' is no SHA-256", param="digest")

    def is_of(self, digest: str) -> bool:
        """Takes as long for a wrong digest as for a right one."""
        return hmac.compare_digest(self.digest, digest)


def new_secret() -> str:
    """A key as its owner uses it."""
    return PREFIX + secrets.token_urlsafe(SECRET_BYTES)


def digest_of(secret: str) -> str:
    """What is kept of a key, or of another secret. Takes whatever a client may send as one."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
