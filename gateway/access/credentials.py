"""Where a client's key stands in its request."""

from __future__ import annotations

from websockets.datastructures import Headers

SUBPROTOCOL = "openai-insecure-api-key."
"""Browsers cannot set headers, so the API's JavaScript clients offer their key as a subprotocol."""


def secret_of(headers: Headers) -> str | None:
    """The key of ``Authorization: Bearer KEY``, else of an offered subprotocol; None where there is none.

    None too where several are given: which one is meant cannot be known.
    """
    authorization = headers.get_all("Authorization")
    if authorization:
        scheme, _, secret = authorization[0].partition(" ")
        one = len(authorization) == 1 and scheme.lower() == "bearer"
        return secret.strip() or None if one else None
    offered = [
        word.strip().removeprefix(SUBPROTOCOL)
        for line in headers.get_all("Sec-WebSocket-Protocol")
        for word in line.split(",")
        if word.strip().startswith(SUBPROTOCOL)
    ]
    return offered[0] or None if len(offered) == 1 else None
