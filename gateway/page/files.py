"""The files of the browser page, read once: nothing but these is served, whatever path is asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).parent / "static"
INDEX = "index.html"

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class PageFile:
    """``etag`` is of the body's digest, quotes included, as the header wants it."""

    body: bytes
    content_type: str
    etag: str


def _read(path: Path) -> PageFile:
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:32]
    return PageFile(body, CONTENT_TYPES[path.suffix], f'"{digest}"')


def _read_all() -> dict[str, PageFile]:
    files = {f"/page/{path.name}": _read(path) for path in STATIC.iterdir() if path.suffix in CONTENT_TYPES}
    return files | {"/": files[f"/page/{INDEX}"]}


_FILES = _read_all()


def page_file(path: str) -> PageFile | None:
    """The file at the path of a URL (without its query), ``/`` for the page itself; None for any other."""
    return _FILES.get(path)
