"""The browser page over HTTP: each file with its type, and with what a browser may do for it."""

from __future__ import annotations

import email.utils
from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from gateway.page.files import PageFile

POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' blob:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
"""Nothing from elsewhere is loaded, asked or run; no inline script or style; no other page frames this one.

Pictures of moments are ``data:`` URLs, a dropped film is a ``blob:`` one.
"""

SAFETY = {
    "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in POLICY.items()),
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def page_answer(file: PageFile, request: Request) -> Response:
    """``file``, or 304 where the browser has it as it is. It asks each time (``no-cache``)."""
    fields = {
        "Date": email.utils.formatdate(usegmt=True),
        "Connection": "close",
        "Cache-Control": "no-cache",
        "ETag": file.etag,
        **SAFETY,
    }
    tags = [tag.strip() for line in request.headers.get_all("If-None-Match") for tag in line.split(",")]
    if "*" in tags or file.etag in [tag.removeprefix("W/") for tag in tags]:
        return _response(HTTPStatus.NOT_MODIFIED, fields, b"")
    about = {"Content-Type": file.content_type, "Content-Length": str(len(file.body))}
    return _response(HTTPStatus.OK, about | fields, file.body)


def _response(status: HTTPStatus, fields: dict[str, str], body: bytes) -> Response:
    return Response(status.value, status.phrase, Headers(fields), body)
