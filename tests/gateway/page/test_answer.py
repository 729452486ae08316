"""The page over HTTP, from a gateway on a real socket."""

import asyncio
import http.client
import re

import pytest

from gateway.page.files import page_file
from gateway.server.server import GatewayServer
from streams.config import ServerConfig, VideoConfig


@pytest.fixture(scope="module")
def get():
    """Asks a gateway: ``get(path, **headers)`` is the status, the headers and the body of its answer."""
    loop = asyncio.new_event_loop()
    server = GatewayServer(ServerConfig(port=0), VideoConfig(), open_session=None)
    loop.run_until_complete(server.__aenter__())

    def ask(path, headers):
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, answer.headers, body

    yield lambda path, **headers: loop.run_until_complete(asyncio.to_thread(ask, path, headers))
    loop.run_until_complete(server.close())
    loop.close()


def test_the_page_and_what_it_is_made_of(get):
    status, headers, body = get("/")
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert body == page_file("/").body
    for path in re.findall(r'(?:src|href)="(page/[^"]+)"', body.decode()):
        status, headers, body = get(f"/{path}?v=1")
        assert (status, headers["Content-Type"]) == (200, page_file(f"/{path}").content_type)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert body == page_file(f"/{path}").body


def test_nothing_from_elsewhere_may_be_loaded_asked_or_run(get):
    _, headers, _ = get("/")
    policy = dict(each.split(" ", 1) for each in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert not re.search(r"https?:|\*|unsafe", headers["Content-Security-Policy"])
    assert not {"script-src", "style-src", "connect-src", "worker-src"} & set(policy), (
        "default-src rules them"
    )
    assert headers["Referrer-Policy"] == "no-referrer"


def test_a_browser_asks_each_time_and_is_given_only_what_changed(get):
    _, headers, _ = get("/page/app.js")
    assert headers["Cache-Control"] == "no-cache"
    tag = headers["ETag"]
    assert tag != get("/page/client.js")[1]["ETag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        status, headers, body = get("/page/app.js", **{"If-None-Match": known})
        assert (status, headers["ETag"], body) == (304, tag, b"")
        assert "Content-Type" not in headers
    assert get("/page/app.js", **{"If-None-Match": '"other"'})[0] == 200


@pytest.mark.parametrize(
    "path", ["/page/", "/page/files.py", "/page/../files.py", "/page/%2e%2e/files.py", "/page//app.js", "//"]
)
def test_nothing_else_is_served(get, path):
    status, headers, body = get(path)
    assert status == 404
    assert headers["Content-Type"].startswith("text/plain") or headers["Content-Type"] == "application/json"
    assert b"import" not in body
