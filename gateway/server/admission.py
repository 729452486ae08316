"""Who may open a session, decided on the request and before the WebSocket."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qs

from websockets.http11 import Request

from gateway.access.load import Load
from gateway.access.origin import is_loopback, origin_allowed
from gateway.server.authentication import Authentication
from gateway.server.occupancy import Occupancy
from gateway.server.refusal import Refusal
from gateway.server.visit import Party, Visit
from streams.config import ServerConfig

DEFAULT_MODEL = "streams"

SOCKETS_PER_SESSION = 2
"""The one that has it, and one that comes to take it over."""

RETRY_S = 5.0
"""When it is worth another try where nothing better is known."""


class Admission:
    """Decides by who comes, from where, and whether there is room."""

    def __init__(
        self, config: ServerConfig, load: Load, occupancy: Occupancy, authentication: Authentication
    ) -> None:
        self._config = config
        self._load = load
        self._occupancy = occupancy
        self._authentication = authentication
        self._is_local = config.keys_file is None and is_loopback(config.host)
        self._draining = False

    def drain(self) -> None:
        """Nobody is admitted any more."""
        self._draining = True

    def closed(self) -> Refusal | None:
        """Why nobody is admitted now; None when there is room for one more."""
        if self._draining:
            return DRAINING
        if self._occupancy.sessions >= self._config.max_sessions:
            return _unavailable("full", f"All {self._config.max_sessions} sessions are taken")
        if (excess := self._load.excess()) is not None:
            return _unavailable("overloaded", f"There is too much to do: {excess}")
        return None

    def admit(self, request: Request, address: str) -> Visit | Refusal:
        """What the client comes for, or why it may not."""
        if (refusal := self._check_origin(request)) is not None:
            return refusal
        party = self._authentication.identify(request, address)
        if isinstance(party, Refusal):
            return party
        query = query_of(request)
        intent = query.get("intent")
        if intent not in (None, "transcription"):
            return _unsupported("intent", "Only intent=transcription is known, or none at all")
        if "call_id" in query:
            message = "There are no calls to attach to (call_id): only WebSocket sessions are served here"
            return _unsupported("call_id", message)
        if "resume" in query:
            return self._admit_back(party, query)
        if intent and "session" in query:
            return _unsupported("session", "A transcription keeps nothing, so it has no name to come back by")
        if (refusal := self.closed() or self._check_key(party)) is not None:
            return refusal
        model, name = query.get("model", DEFAULT_MODEL), query.get("session")
        return Visit(party, model, name, transcribes=intent is not None)

    def _check_origin(self, request: Request) -> Refusal | None:
        """Scripts of other pages may not use what their browser has access to."""
        origins, hosts = (request.headers.get_all(name) for name in ("Origin", "Host"))
        origin, host = (values[0] if values else None for values in (origins, hosts))
        allowed = self._config.allowed_origins
        if len(origins) <= 1 and origin_allowed(origin, host, allowed, is_local=self._is_local):
            return None
        message = "Pages of this origin may not connect (server.allowed_origins says which may)"
        return Refusal(HTTPStatus.FORBIDDEN, "origin", "origin_not_allowed", message, "Origin")

    def _check_key(self, party: Party) -> Refusal | None:
        most = party.limits.max_sessions
        if party.key is None or most is None or self._occupancy.sessions_of(party.key) < most:
            return None
        message = f"The key's {most} sessions are taken; try again when one has ended"
        status = HTTPStatus.TOO_MANY_REQUESTS
        return Refusal(status, "key_full", "rate_limit_exceeded", message, retry_after_s=RETRY_S)

    def _admit_back(self, party: Party, query: Mapping[str, str]) -> Visit | Refusal:
        """The session has its place, but a socket that says it comes back to one may say so of many."""
        if query["resume"] != "1":
            return _unsupported(
                "resume", "Only resume=1 is known: it goes on with a session whose socket dropped"
            )
        if "session" in query:
            return _unsupported("session", "Which session is resumed is said by its token, not by its name")
        if self._draining:
            return DRAINING
        if self._occupancy.sockets >= SOCKETS_PER_SESSION * self._config.max_sessions:
            return _unavailable("full", "Too many clients are connected")
        return Visit(party, query.get("model", DEFAULT_MODEL), None, resumes=True)


def query_of(request: Request) -> dict[str, str]:
    """The last value of each query parameter."""
    query = parse_qs(request.path.partition("?")[2], keep_blank_values=True)
    return {name: values[-1] for name, values in query.items()}


def _unsupported(param: str, message: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, "unsupported", "unsupported_value", message, param)


def _unavailable(reason: str, message: str) -> Refusal:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    return Refusal(status, reason, "overloaded", f"{message}; try again later", retry_after_s=RETRY_S)


DRAINING = _unavailable("draining", "The server is shutting down")
