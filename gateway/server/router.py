"""What is answered over plain HTTP, by path, on the port that WebSockets are on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Literal, TypeAlias

from websockets.http11 import Request, Response

from gateway.page.answer import page_answer
from gateway.page.files import page_file
from gateway.server.health import Health
from gateway.server.http import NEVER_CACHED, answer, json_answer, refusal_answer
from gateway.server.metrics import CONTENT_TYPE, Metrics
from gateway.server.refusal import Refusal

REALTIME_PATH = "/v1/realtime"

Route: TypeAlias = Callable[[], Awaitable[Response]]

NOT_FOUND = Refusal(
    HTTPStatus.NOT_FOUND,
    "not_found",
    "not_found",
    # The path is not repeated: it may hold anything.
    f"Nothing here: a realtime session is a WebSocket on {REALTIME_PATH}",
)


def path_of(request: Request) -> str:
    """The path of a request's URL, without its query."""
    return request.path.partition("?")[0]


class Router:
    """Answers every GET but those for a session. Paths are matched whole."""

    def __init__(self, health: Health, metrics: Metrics, metrics_for: Literal["local", "all"]) -> None:
        """``metrics_for`` whom: this machine alone, or all who ask."""
        self._health = health
        self._metrics = metrics
        self._metrics_for = metrics_for
        self._routes: dict[str, Route] = {
            "/healthz": self._alive,
            "/readyz": self._ready,
        }

    async def answer(self, request: Request, *, is_local: bool) -> Response:
        """The answer to ``request``; ``is_local``: it was made on this machine, and not for somebody else."""
        path = path_of(request)
        if path == "/metrics" and (is_local or self._metrics_for == "all"):
            return await self._measured()
        if (route := self._routes.get(path)) is not None:
            return await route()
        if (file := page_file(path)) is not None:
            return page_answer(file, request)
        return refusal_answer(NOT_FOUND)

    async def _alive(self) -> Response:
        return json_answer(HTTPStatus.OK, {"status": "alive"})

    async def _ready(self) -> Response:
        if problems := await self._health.problems():
            value = {"status": "not_ready", "problems": problems}
            return json_answer(HTTPStatus.SERVICE_UNAVAILABLE, value)
        return json_answer(HTTPStatus.OK, {"status": "ready"})

    async def _measured(self) -> Response:
        body = await asyncio.to_thread(self._metrics.render)
        return answer(HTTPStatus.OK, body, CONTENT_TYPE, NEVER_CACHED)
