"""Which pages' scripts may connect. Browsers say where a page came from (RFC 6454); programs say nothing."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

ANY = "*"
PORTS = {"http": 80, "https": 443}


def origin_allowed(
    origin: str | None, host: str | None, allowed: Collection[str], *, is_local: bool = False
) -> bool:
    """Whether a page of ``origin`` may connect to the server that it calls ``host`` (the header's host:port).

    ``is_local``: the server is for this machine alone and asks for no key. Then it must also be called
    so: a foreign page can have its own name lead to this machine (DNS rebinding), and be of one origin
    with the server.
    """
    if origin is None or ANY in allowed or origin in allowed:
        return True
    page = _split(origin)
    server = None if host is None or page is None else _split(f"{page[0]}://{host}")
    if page is None or page != server:
        return False
    return not is_local or is_loopback(page[1])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what is called so."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _split(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port; None for what is no web origin, such as ``null``."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not parts.hostname or parts.path or parts.query or parts.fragment:
        return None
    return parts.scheme, parts.hostname, PORTS[parts.scheme] if port is None else port
