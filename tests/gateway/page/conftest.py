"""The page in a real browser: headless Chromium with a fake microphone and camera, fed from files."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from gateway.server.server import GatewayServer
from speech.audio import resample, write_wav
from speech.hibari import HibariSynthesizer
from streams.config import ServerConfig, VideoConfig

T = TypeVar("T")

QUESTION = "What do you see now?"
LEAD_S, TAIL_S = 4, 30
"""Of silence around the question: time for the camera to be looked at, and for the answer to be heard."""

RATE = 48_000
PATIENCE_MS = 45_000
"""How long a test waits for something that takes a loaded machine long; what is there is seen at once."""

FAKE_DEVICES = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path. Without one these tests are skipped, where REQUIRE_CHROMIUM=1 they fail."""
    names = ("chromium", "chromium-browser", "google-chrome")
    for name in names:
        if path := shutil.which(name):
            return path
    reason = f"the page is tested in Chromium, and none is installed (looked for {', '.join(names)})"
    if os.environ.get("REQUIRE_CHROMIUM") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def driver() -> Any:
    """Until the end of each module: while it runs, asyncio is not to be had on this thread."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def photograph(models) -> Callable[[str], bytes]:
    """A real photograph by the name of its file, as a JPEG of 640x360."""
    folder = models.resolve("sample").path

    def load(name: str) -> bytes:
        picture = PIL.Image.open(next(folder.rglob(name))).convert("RGB")
        buffer = io.BytesIO()
        PIL.ImageOps.fit(picture, (640, 360)).save(buffer, "JPEG", quality=90)
        return buffer.getvalue()

    return load


@pytest.fixture(scope="session")
def microphone_file(tmp_path_factory) -> Path:
    """The question, spoken, with silence around it."""
    voice = HibariSynthesizer()
    question = resample(voice.synthesize(QUESTION), voice.rate, RATE)
    silence = [np.zeros(seconds * RATE, np.float32) for seconds in (LEAD_S, TAIL_S)]
    path = tmp_path_factory.mktemp("microphone") / "question.wav"
    write_wav(path, np.concatenate([silence[0], question, silence[1]]), RATE)
    return path


@pytest.fixture(scope="session")
def camera_file(tmp_path_factory, photograph) -> Path:
    """A cup of coffee for as long as anyone looks: a film of JPEGs, which the browser plays in a loop."""
    path = tmp_path_factory.mktemp("camera") / "coffee.mjpeg"
    path.write_bytes(photograph("coffee.png") * 10)
    return path


@pytest.fixture(scope="module")
def launch(driver: Playwright, chromium: str) -> Any:
    """Starts browsers with further flags of the command line."""
    browsers: list[Browser] = []

    def started(*flags: str) -> Browser:
        browsers.append(driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", *flags]))
        return browsers[-1]

    yield started
    for each in browsers:
        each.close()


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Browser], microphone_file: Path, camera_file: Path) -> Browser:
    return launch(
        *FAKE_DEVICES,
        f"--use-file-for-fake-audio-capture={microphone_file}%noloop",
        f"--use-file-for-fake-video-capture={camera_file}",
    )


class Visit:
    """A page with what it did wrong: errors it logged, and requests to anywhere but where it came from."""

    def __init__(self, browser: Browser, url: str, **options: Any) -> None:
        self._context = browser.new_context(**options)
        self._context.set_default_timeout(PATIENCE_MS)
        self._origin = url.rstrip("/")
        self.problems: list[str] = []
        self.page: Page = self._context.new_page()
        self.page.on("console", lambda message: self._said(message.type, message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self._requested(request.url))
        self.page.on("websocket", lambda socket: self._requested(socket.url.replace("ws", "http", 1)))
        self.page.goto(url)

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.problems.append(text)

    def _requested(self, url: str) -> None:
        if not url.startswith((self._origin, "data:", f"blob:{self._origin}")):
            self.problems.append(f"asked for {url}")

    def set_offline(self, offline: bool) -> None:
        self._context.set_offline(offline)

    def close(self) -> None:
        self._context.close()


@pytest.fixture
def visit(browser: Browser) -> Any:
    """Opens pages and, when the test is over, finds that none logged an error or asked elsewhere."""
    visits: list[Visit] = []

    def opened(url: str, *, other: Browser | None = None, **options: Any) -> Visit:
        visits.append(Visit(other or browser, url, **options))
        return visits[-1]

    expect.set_options(timeout=PATIENCE_MS)
    yield opened
    for each in visits:
        each.close()
    assert [problem for each in visits for problem in each.problems] == []


class Background:
    """An event loop on a thread of its own, for a server beside the browser's driver."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await work

        running: Future[T] = asyncio.run_coroutine_threadsafe(awaited(), self.loop)
        return running.result(60)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture
def background() -> Any:
    running = Background()
    yield running
    running.close()


@pytest.fixture
def served(background: Background) -> Any:
    """Runs a gateway until the test is over, and says where its page is."""
    servers: list[GatewayServer] = []

    def serve(server: GatewayServer) -> str:
        servers.append(background.run(server.__aenter__()))
        return f"http://127.0.0.1:{server.port}/"

    yield serve
    for server in servers:
        background.run(server.__aexit__(None, None, None))


class Script:
    """A gateway whose sessions do what a test tells them to."""

    def __init__(self, background: Background, scripted: type[Any], picture: bytes, port: int = 0) -> None:
        self._background = background
        self._called = threading.Condition()
        self._picture = picture
        self._scripted = scripted
        self.lives: list[Any] = []
        self.server = GatewayServer(ServerConfig(port=port), VideoConfig(), self._open)

    async def _open(self, model: str, session: str | None, emit: Any) -> Any:
        picture, called = self._picture, self._called

        class Live(self._scripted):  # type: ignore[name-defined,misc]
            def thumbnail(self, block_id: int) -> bytes | None:
                return picture if block_id == 7 else None

            def _called(self, name: str, *given: Any) -> None:
                super()._called(name, *given)
                with called:
                    called.notify_all()

        self.lives.append(Live(emit))
        return self.lives[-1]

    @property
    def live(self) -> Any:
        return self.lives[-1]

    def emit(self, *events: Any) -> None:
        """Let these happen in the session, one after another."""
        for event in events:
            self._background.loop.call_soon_threadsafe(self.live.emit, event)

    def asked(self, name: str, at_least: int = 0) -> list[tuple[Any, ...]]:
        """What each request of that name was given so far, once there are ``at_least`` so many."""
        with self._called:
            assert self._called.wait_for(lambda: len(self._given(name)) >= at_least, PATIENCE_MS / 1000), name
            return self._given(name)

    def _given(self, name: str) -> list[tuple[Any, ...]]:
        return [given for called, given in self.live.calls if called == name]


@pytest.fixture
def script(background: Background, scripted: Any, photograph: Any) -> Script:
    return Script(background, scripted, photograph("coffee.png"))
