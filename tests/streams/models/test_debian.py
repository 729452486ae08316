import hashlib
import io
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from streams.errors import ModelNotFoundError
from streams.models.archive import open_archive
from streams.models.artifact import Deb, EmbeddedModel, Source
from streams.models.cache import ModelCache
from streams.models.debian import PUBLIC_ARCHIVE, DebianArchive, choose_archive_url
from streams.models.download import Downloader
from streams.models.index import PackageIndex
from streams.models.installer import Installer
from tests.silent_progress import SilentProgress


def ar(members):
    """An archive as ar(1) writes it: headers of 60 bytes, contents at even offsets."""
    data = b"!<arch>\n"
    for name, content in members:
        data += f"{name:<16}{0:<12}{0:<6}{0:<6}{0o100644:<8o}{len(content):<10}`\n".encode()
        data += content + b"\n" * (len(content) % 2)
    return data


def deb(files):
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w:xz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return ar([("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"), ("data.tar.xz", memory.getvalue())])


DATA = deb({"usr/share/stamps/cat.png": b"a cat", "usr/share/stamps/dog.png": b"a dog" * 1000})
STAMPS = Deb("stamps", "1-2", "pool/main/s/stamps_1-2_all.deb", hashlib.sha256(DATA).hexdigest(), len(DATA))


def test_a_package_is_found_by_its_path_and_its_files_are_taken_out(tmp_path):
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(DATA)))
            self.end_headers()
            self.wfile.write(DATA)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        archive = DebianArchive(f"http://127.0.0.1:{server.server_port}/debian", timeout_s=5)
        downloader = Downloader(
            PackageIndex("http://127.0.0.1:9/simple"), SilentProgress(), archive=archive, attempts=1
        )
        members = ("usr/share/stamps/dog.png", "usr/share/stamps/cat.png")
        model = EmbeddedModel("drawings", "stamps", (Source(STAMPS, members),), "GPL-2.0", 10)
        folder = Installer(ModelCache(tmp_path), downloader, SilentProgress()).ensure(model)
        server.shutdown()
    assert asked == ["/debian/pool/main/s/stamps_1-2_all.deb"]
    assert (folder / "cat.png").read_bytes() == b"a cat"
    assert (folder / "dog.png").read_bytes() == b"a dog" * 1000


def test_what_is_not_inside_is_named(tmp_path):
    path = tmp_path / "stamps.deb"
    path.write_bytes(DATA)
    with open_archive(STAMPS, path) as archive, pytest.raises(ModelNotFoundError, match="holds no usr/none"):
        archive.open("usr/none")
    path.write_bytes(ar([("debian-binary", b"2.0\n")]))
    with pytest.raises(ModelNotFoundError, match=r"holds no data\.tar"):
        open_archive(STAMPS, path)


def test_the_address_is_that_of_the_environment():
    assert choose_archive_url({}) == PUBLIC_ARCHIVE
    assert (
        choose_archive_url({"DEBIAN_ARCHIVE": "https://mirror.example/debian"})
        == "https://mirror.example/debian"
    )
