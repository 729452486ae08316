"""The browser page over HTTP: each file with its type, and with what a browser may do for it."""

from __future__ import annotations

from http import HTTPStatus

from websockets.http11 import Request, Response

from gateway.page.files import PageFile
from gateway.server.http import NO_SNIFFING, answer

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

HEADERS = NO_SNIFFING | {
    "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in POLICY.items()),
    "Permissions-Policy": "camera=(self), microphone=(self), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""Browsers may keep it, and ask each time whether it has changed."""


def page_answer(file: PageFile, request: Request) -> Response:
    """``file``, or 304 where the browser has it as it is."""
    whole = answer(HTTPStatus.OK, file.body, file.content_type, HEADERS | {"ETag": file.etag})
    tags = [tag.strip() for line in request.headers.get_all("If-None-Match") for tag in line.split(",")]
    if "*" not in tags and file.etag not in [tag.removeprefix("W/") for tag in tags]:
        return whole
    for name in ("Content-Type", "Content-Length"):
        del whole.headers[name]
    status = HTTPStatus.NOT_MODIFIED
    return Response(status.value, status.phrase, whole.headers)
