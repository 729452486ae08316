import base64
import dataclasses
import json
from email.message import Message
from urllib.error import HTTPError, URLError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.config import ModelsConfig
from streams.errors import ConfigError, DownloadError, IntegrityError
from streams.models.artifact import Wheel
from streams.models.index import PackageIndex, choose_index_url, describe, is_transient


@pytest.mark.parametrize("html", [False, True])
def test_locates_a_file_in_either_form(served, html):
    served.html = html
    wheel = served.add("some_data-1.0-py3-none-any.whl", b"data")
    served.add("some_data-2.0-py3-none-any.whl", b"other")
    assert served.index().locate(wheel) == f"{served.url}/files/{wheel.filename}"
    assert served.pages[0]["Accept"].startswith("application/vnd.pypi.simple.v1+json")


@pytest.mark.parametrize("html", [False, True])
def test_refuses_another_hash_before_downloading(served, html):
    served.html = html
    wheel = dataclasses.replace(served.add("data-1.0-py3-none-any.whl", b"data"), sha256="0" * 64)
    with pytest.raises(IntegrityError, match="another file") as caught:
        served.index().locate(wheel)
    assert caught.value.param == wheel.filename
    assert served.ranges == []


def test_names_a_file_that_is_not_listed(served):
    wheel = served.add("data-1.0-py3-none-any.whl", b"data")
    with pytest.raises(DownloadError, match=r"project data does not list data-9.whl"):
        served.index().locate(dataclasses.replace(wheel, filename="data-9.whl"))


def test_credentials_go_to_the_index_and_into_no_message(served):
    wheel = served.add("data-1.0-py3-none-any.whl", b"data")
    url = served.url.replace("http://", "http://ann:p%40ss@") + "/simple/"
    index = PackageIndex(url)
    assert "ann" not in index.locate(wheel)
    assert "p%40ss" not in index.url
    sent = served.pages[0]["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent) == b"ann:p@ss"


@pytest.mark.parametrize("url", ["pypi.org/simple", "ftp://host/simple", "https:///simple", ""])
def test_refuses_what_is_not_an_address(url):
    with pytest.raises(ConfigError) as caught:
        PackageIndex(url)
    assert caught.value.param == "models.index_url"


def test_pip_index_url_goes_before_the_default_only():
    environ = {"PIP_INDEX_URL": "https://mirror.example/simple"}
    assert choose_index_url(ModelsConfig(), environ) == "https://mirror.example/simple"
    assert choose_index_url(ModelsConfig(), {}) == "https://pypi.org/simple"
    assert choose_index_url(ModelsConfig(index_url="https://own.example"), environ) == "https://own.example"


def test_which_errors_are_worth_another_try():
    assert not is_transient(HTTPError("http://x", 404, "Not Found", None, None))
    assert is_transient(HTTPError("http://x", 503, "Busy", None, None))
    assert is_transient(URLError(ConnectionRefusedError(111, "Connection refused")))
    assert describe(URLError(TimeoutError())) == "TimeoutError"


class Page:
    """An answer with a JSON body."""

    url = "http://host/simple/data/"
    headers = Message()
    headers["Content-Type"] = "application/vnd.pypi.simple.v1+json"

    def __init__(self, body):
        self._body = body

    def read(self):
        return self._body

    def close(self):
        pass


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["files", "filename", "url", "hashes", "sha256"]), inner, max_size=4
        )
    ),
)


@given(st.binary() | VALUES.map(json.dumps).map(str.encode) | st.just(b'{"files": [{"hashes": []}]}'))
def test_a_hostile_page_is_a_download_error(body):
    index = PackageIndex("http://host/simple")
    index.open = lambda url, accept: Page(body)
    with pytest.raises(DownloadError, match="data"):
        index.locate(Wheel("data", "1", "data-1-py3-none-any.whl", "0" * 64, 1))
