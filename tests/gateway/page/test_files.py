import fnmatch
import importlib.resources
import re
import tomllib
from pathlib import Path

import pytest

from gateway.page.files import STATIC, page_file


def test_the_page_and_each_of_its_files_with_its_type():
    index = page_file("/")
    assert index is not None
    assert index.content_type == "text/html; charset=utf-8"
    assert index.body == (STATIC / "index.html").read_bytes()
    types = {path.suffix: page_file(f"/page/{path.name}").content_type for path in STATIC.iterdir()}
    assert types == {
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".svg": "image/svg+xml",
    }


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/page",
        "/page/",
        "/index.html",
        "/page/../files.py",
        "/page/../../assembly.py",
        "/page/%2e%2e/files.py",
        "/page//app.js",
        "/page/app.js/",
        "/page/./app.js",
        "/page/APP.JS",
        "/page/app.js\0",
        "/page/..",
        "//page/app.js",
        "/etc/passwd",
    ],
)
def test_nothing_else_is_found(path):
    assert page_file(path) is None


def test_files_differ_by_their_tags_and_aliases_do_not():
    files = [page_file(f"/page/{path.name}") for path in STATIC.iterdir()]
    assert len({file.etag for file in files}) == len(files)
    assert all(re.fullmatch(r'"[0-9a-f]{32}"', file.etag) for file in files)
    assert page_file("/") is page_file("/page/index.html")


def test_they_come_with_the_package():
    packaged = importlib.resources.files("gateway.page").joinpath("static")
    names = {path.name for path in packaged.iterdir()}
    assert names == {path.name for path in STATIC.iterdir()}
    project = tomllib.loads((STATIC.parents[2] / "pyproject.toml").read_text("utf-8"))
    (pattern,) = project["tool"]["setuptools"]["package-data"]["gateway.page"]
    assert all(fnmatch.fnmatch(f"static/{name}", pattern) for name in names)


def test_every_file_is_used_and_small():
    used = {"index.html"} | set(re.findall(r"page/([\w.-]+)", (STATIC / "index.html").read_text("utf-8")))
    for path in STATIC.glob("*.js"):
        used |= set(re.findall(r'"\./([^"]+)"', path.read_text("utf-8")))
    assert used == {path.name for path in STATIC.iterdir()}
    for path in STATIC.iterdir():
        assert len(path.read_text("utf-8").splitlines()) <= 300, path.name


def test_what_a_file_refers_to_is_there():
    def referred(path: Path) -> list[str]:
        text = path.read_text("utf-8")
        if path.suffix == ".html":
            return [f"/{name}" for name in re.findall(r'(?:src|href)="([^#"]+)"', text)]
        return [f"/page/{name}" for name in re.findall(r'"\./([^"]+)"', text)]

    found = [(path.name, name) for path in STATIC.iterdir() for name in referred(path)]
    assert len(found) > 20
    assert [each for each in found if page_file(each[1]) is None] == []


def test_every_script_is_one_that_the_browser_reads(script, served, visit):
    page = visit(served(script.server), expected=("404",)).page  # a picture alone has no icon
    scripts = sorted(path.name for path in STATIC.glob("*.js"))
    worklets = [name for name in scripts if name.endswith("-worklet.js")]
    assert len(worklets) == 2
    page.evaluate(
        "(names) => Promise.all(names.map((name) => import(`/page/${name}`)))",
        [name for name in scripts if name not in worklets],
    )
    page.evaluate(
        """(names) => {
          const context = new OfflineAudioContext(1, 128, 48_000);
          return Promise.all(names.map((name) => context.audioWorklet.addModule(`/page/${name}`)));
        }""",
        worklets,
    )
    own = "() => Object.getOwnPropertyNames(window)"
    with_scripts = set(page.evaluate(own))
    page.goto(f"{page.url}page/icon.svg")
    assert with_scripts - set(page.evaluate(own)) == set(), "they put nothing on the window"


def test_nothing_is_written_into_the_page_that_its_policy_forbids():
    text = (STATIC / "index.html").read_text("utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text)
    for path in STATIC.iterdir():
        assert "innerHTML" not in path.read_text("utf-8"), path.name
        assert not re.search(r"https?://(?!www\.w3\.org)", path.read_text("utf-8")), path.name
