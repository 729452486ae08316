"""HTTP as far as a WebSocket library does not go: methods other than GET."""

from __future__ import annotations

import re
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Response

from gateway.server.http import refusal_answer
from gateway.server.refusal import Refusal

MAX_REQUEST_LINE = 8_192

_REQUEST = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) \S+ HTTP/1\.[01]")

NOT_ALLOWED = Refusal(
    HTTPStatus.METHOD_NOT_ALLOWED,
    "method",
    "method_not_allowed",
    "Only GET and HEAD are answered here",
    more_headers={"Allow": "GET, HEAD"},
)
TOO_OLD = Refusal(
    HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, "version", "http_version_not_supported", "HTTP/1.1 is spoken here"
)


class HttpConnection(ServerConnection):
    """A connection whose request may be of any method, which the library answers with silence.

    HEAD is passed on as GET, whose answer then is to be ``fitted``; others are answered here.
    """

    _is_head = False
    _start: bytes | None = b""

    def fitted(self, response: Response) -> Response:
        """``response`` as the request's method wants it: to HEAD without its body."""
        if self._is_head:
            response.body = b""
        return response

    def data_received(self, data: bytes) -> None:
        if self._start is None:
            super().data_received(data)
            return
        self._start += data
        line, whole, _ = self._start.partition(b"\r\n")
        if not whole and len(self._start) <= MAX_REQUEST_LINE:
            return
        data, self._start = self._start, None
        request = _REQUEST.fullmatch(line)
        method = b"" if request is None else request[1]
        known = method in (b"GET", b"HEAD")
        self._is_head = method == b"HEAD"
        if request is not None and not (known and line.endswith(b"1.1")):
            refusal = TOO_OLD if known else NOT_ALLOWED
            self.transport.write(self.fitted(refusal_answer(refusal)).serialize())
            self.transport.close()
            return
        # What is no HTTP at all is the library's to deal with.
        super().data_received(b"GET" + data.removeprefix(b"HEAD") if self._is_head else data)

    def eof_received(self) -> None:
        if self._start:
            data, self._start = self._start, None
            super().data_received(data)
        super().eof_received()
