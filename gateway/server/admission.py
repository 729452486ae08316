"""Who may open a session, decided on the request and before the WebSocket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs

from websockets.http11 import Request

from gateway.access.load import Load
from gateway.server.refusal import Refusal
from streams.config import ServerConfig

DEFAULT_MODEL = "streams"

SOCKETS_PER_SESSION = 2
"""The one that has it, and one that comes to take it over."""

RETRY_S = 5.0
"""When it is worth another try where nothing better is known."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a client that was admitted came for: a session, under the name ``session`` if it has one.

    ``resumes``: one that is there already; which, is the first thing that the client says.
    """

    model: str
    session: str | None
    resumes: bool = False


class Admission:
    """``occupied`` says how many sessions there are, those included that are only being opened.

    ``sockets`` says how many clients are connected or about to be.
    """

    def __init__(
        self, config: ServerConfig, load: Load, occupied: Callable[[], int], sockets: Callable[[], int]
    ) -> None:
        self._config = config
        self._load = load
        self._occupied = occupied
        self._sockets = sockets
        self._draining = False

    def drain(self) -> None:
        """Nobody is admitted any more."""
        self._draining = True

    def closed(self) -> Refusal | None:
        """Why nobody is admitted now; None when there is room for one more."""
        if self._draining:
            return DRAINING
        if self._occupied() >= self._config.max_sessions:
            return _unavailable("full", f"All {self._config.max_sessions} sessions are taken")
        if (excess := self._load.excess()) is not None:
            return _unavailable("overloaded", f"There is too much to do: {excess}")
        return None

    def admit(self, request: Request) -> Visit | Refusal:
        """What the client comes for, or why it may not."""
        query = query_of(request)
        if query.get("intent") == "transcription":
            message = "Transcription-only sessions (intent=transcription) are not served here"
            return _unsupported("intent", message)
        if "call_id" in query:
            message = "There are no calls to attach to (call_id): only WebSocket sessions are served here"
            return _unsupported("call_id", message)
        if "resume" in query:
            return self._admit_back(query)
        if (refusal := self.closed()) is not None:
            return refusal
        return Visit(query.get("model", DEFAULT_MODEL), query.get("session"))

    def _admit_back(self, query: Mapping[str, str]) -> Visit | Refusal:
        """The session has its place, but a socket that says it comes back to one may say so of many."""
        if query["resume"] != "1":
            return _unsupported(
                "resume", "Only resume=1 is known: it goes on with a session whose socket dropped"
            )
        if "session" in query:
            return _unsupported("session", "Which session is resumed is said by its token, not by its name")
        if self._draining:
            return DRAINING
        if self._sockets() >= SOCKETS_PER_SESSION * self._config.max_sessions:
            return _unavailable("full", "Too many clients are connected")
        return Visit(query.get("model", DEFAULT_MODEL), None, resumes=True)


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
