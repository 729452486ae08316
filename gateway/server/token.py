"""The secret by which a client comes back to its session: good once, and known here only by its hash."""

from __future__ import annotations

import hmac
import secrets

from gateway.access.key import digest_of

SEPARATOR = "."


class ResumeToken:
    """The token of one session, new each time it is used.

    A token says where (``locator``, for finding the session) and proves who (a secret of 256 bits). The
    one that was used last is void once its client is known to have the new one; were it so at once, a
    socket that drops before the new one arrives would end the session.
    """

    def __init__(self) -> None:
        self.locator = secrets.token_urlsafe(12)
        self._current = ""
        self._used: str | None = None

    def issue(self) -> str:
        """The first token. Any before it are void."""
        self._used = None
        return self._new()

    def rotate(self, token: str) -> str | None:
        """The next token, for the one in force; None when ``token`` is not that."""
        given = digest_of(token)
        is_current = hmac.compare_digest(given, self._current)
        is_used = hmac.compare_digest(given, self._used or "")
        if not (is_current or is_used):
            return None
        self._used = given
        return self._new()

    def arrived(self) -> None:
        """Its client has the newest token: the one before is void."""
        self._used = None

    def _new(self) -> str:
        token = f"{self.locator}{SEPARATOR}{secrets.token_urlsafe(32)}"
        self._current = digest_of(token)
        return token


def locator_of(token: str) -> str:
    """Where ``token`` says that its session is."""
    return token.partition(SEPARATOR)[0]
