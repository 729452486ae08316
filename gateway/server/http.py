"""Plain HTTP answers of a server whose business is WebSockets."""

from __future__ import annotations

import email.utils
import json
from collections.abc import Mapping
from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.http11 import Response

from gateway.server.refusal import Refusal

NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}

NEVER_CACHED = NO_SNIFFING | {"Cache-Control": "no-store"}
"""It is of now."""


def answer(
    status: HTTPStatus, body: bytes, content_type: str, headers: Mapping[str, str] = NO_SNIFFING
) -> Response:
    """A whole answer, after which the connection is closed."""
    fields = {
        "Date": email.utils.formatdate(usegmt=True),
        "Connection": "close",
        "Content-Length": str(len(body)),
        "Content-Type": content_type,
        **headers,
    }
    return Response(status.value, status.phrase, Headers(fields), body)


def json_answer(status: HTTPStatus, value: object, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps(value).encode() + b"\n"
    return answer(status, body, "application/json", NEVER_CACHED | dict(headers or {}))


def refusal_answer(refusal: Refusal) -> Response:
    return json_answer(refusal.status, refusal.body, refusal.headers)
