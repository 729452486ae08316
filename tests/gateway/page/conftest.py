"""The page in a real browser: headless Chromium with a fake microphone and camera, fed from files."""

from __future__ import annotations

import asyncio
import base64
import io
import os
import shutil
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from gateway.server.server import GatewayServer
from speech.audio import resample, write_wav
from speech.hibari import HibariSynthesizer
from streams.config import ServerConfig, VideoConfig
from streams.conversation import AudioContent, Message, SessionOptions
from streams.events import (
    AudioDelta,
    MomentsRecalled,
    ResponseCreated,
    ResponseDone,
    ResponseItemAdded,
    SpeechStarted,
    SpeechStopped,
    StageTimes,
    TextDelta,
    TranscriptCompleted,
)
from streams.types import US_PER_S, AudioChunk, Moment, Samples, Transcript, Word

T = TypeVar("T")

QUESTION = "Did you see a cup of coffee?"
LEAD_S, TAIL_S = 1, 30
"""Of silence around the question: time for the camera to be looked at, and for the answer to be heard."""

RATE = 48_000
CAMERA_FPS = 30
"""At which the browser plays a film as its camera."""

PATIENCE_MS = 45_000
"""How long a test waits for something that takes a loaded machine long; what is there is seen at once."""

WIRE_RATE = 24_000
TONE = (0.3 * np.sin(2 * np.pi * 300 * np.arange(WIRE_RATE) / WIRE_RATE)).astype(np.float32)
SPOKEN = SessionOptions(transcription=True)
TIMES = StageTimes(310.4, 402.0, 441.0, 520.0, 655.0, None, 2_350.0)

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
def spoken_question() -> Samples:
    """At ``RATE``."""
    voice = HibariSynthesizer()
    return resample(voice.synthesize(QUESTION), voice.rate, RATE)


@pytest.fixture(scope="session")
def microphone_file(tmp_path_factory, spoken_question) -> Path:
    """The question, spoken, with silence around it."""
    silence = [np.zeros(seconds * RATE, np.float32) for seconds in (LEAD_S, TAIL_S)]
    path = tmp_path_factory.mktemp("microphone") / "question.wav"
    write_wav(path, np.concatenate([silence[0], spoken_question, silence[1]]), RATE)
    return path


@pytest.fixture(scope="session")
def camera_file(tmp_path_factory, photograph) -> Path:
    """A cup of coffee for four seconds and then a cat: a film of JPEGs, which the browser plays in a loop."""
    path = tmp_path_factory.mktemp("camera") / "film.mjpeg"
    with path.open("wb") as film:
        for name, seconds in (("coffee.png", 4), ("chelsea.png", 30)):
            film.write(photograph(name) * (seconds * CAMERA_FPS))
    return path


@pytest.fixture(scope="session")
def film_file(tmp_path_factory, photograph, spoken_question) -> Path:
    """The cup again, with the question as its sound: four seconds of VP8 and Opus."""
    path = tmp_path_factory.mktemp("film") / "film.webm"
    picture = av.VideoFrame.from_image(PIL.Image.open(io.BytesIO(photograph("coffee.png"))))
    with av.open(path, "w") as film:
        video = film.add_stream("libvpx", rate=10, options={"deadline": "realtime"})
        video.width, video.height, video.pix_fmt = picture.width, picture.height, "yuv420p"
        audio = film.add_stream("libopus", rate=RATE, layout="mono")
        sound = av.AudioFrame.from_ndarray(spoken_question[None], format="flt", layout="mono")
        sound.rate = RATE
        for stream, frames in ((video, [picture] * 40), (audio, [sound])):
            for index, frame in enumerate(frames):
                frame.pts, frame.time_base = index, Fraction(1, 10) if stream is video else Fraction(1, RATE)
                film.mux(stream.encode(frame))
            film.mux(stream.encode(None))
    return path


@pytest.fixture
def screenshot(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Writes a picture of a page, by name, where ``--screenshots`` says; without it, nothing."""
    folder: Path | None = request.config.getoption("--screenshots")

    def take(page: Page, name: str, *, scheme: Any, width: int, height: int) -> None:
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.mouse.move(0, 0)
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=folder / f"{name}.png")

    return take


@pytest.fixture
def drop() -> Callable[[Page, str, bytes], None]:
    """As if a file were dropped on the stage."""

    def dropped(page: Page, name: str, content: bytes) -> None:
        transfer = page.evaluate_handle(
            """([name, content]) => {
              const transfer = new DataTransfer();
              const bytes = Uint8Array.from(atob(content), (each) => each.charCodeAt(0));
              transfer.items.add(new File([bytes], name));
              return transfer;
            }""",
            [name, base64.b64encode(content).decode()],
        )
        for event in ("dragenter", "dragover", "drop"):
            page.dispatch_event("#stage", event, {"dataTransfer": transfer})

    return dropped


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
    """A page with what it did wrong: errors it logged, and requests to anywhere but where it came from.

    What browsers log of themselves (that a request was refused) is to be ``expected``, by a part of it.
    """

    def __init__(self, browser: Browser, url: str, expected: tuple[str, ...] = (), **options: Any) -> None:
        self._context = browser.new_context(**options)
        self._context.set_default_timeout(PATIENCE_MS)
        self._origin = url.rstrip("/")
        self._expected = expected
        self.problems: list[str] = []
        self.page: Page = self._context.new_page()
        self.page.on("console", lambda message: self._said(message.type, message.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self._requested(request.url))
        self.page.on("websocket", lambda socket: self._requested(socket.url.replace("ws", "http", 1)))
        self.page.goto(url)

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not any(each in text for each in self._expected):
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


@pytest.fixture
def heard() -> Callable[..., int]:
    """Samples other than silence that a page played so far, once they are ``more_than`` so many."""

    def samples(page: Page, more_than: float = -1) -> int:
        played = "(await import('/page/app.js')).player.audible"
        page.wait_for_function(f"async (least) => {played} > least", arg=more_than)
        count: int = page.evaluate(f"async () => {played}")
        return count

    return samples


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

    def __init__(self, background: Background, scripted: type[Any], picture: bytes, **config: Any) -> None:
        self._background = background
        self._called = threading.Condition()
        self._picture = picture
        self._scripted = scripted
        self.lives: list[Any] = []
        self.server = GatewayServer(ServerConfig(**{"port": 0} | config), VideoConfig(), self._open)

    async def _open(self, visit: Any, emit: Any) -> Any:
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

    def answer(self, text: str, *, seconds: int = 0, recalled: tuple[Moment, ...] = ()) -> None:
        """A response up to its text and so many seconds of a tone."""
        item = Message("item_answer", "assistant", (), "in_progress")
        self.emit(ResponseCreated("resp_1", SPOKEN, True))
        if recalled:
            self.emit(MomentsRecalled("resp_1", recalled))
        self.emit(ResponseItemAdded("resp_1", item, None), TextDelta("resp_1", item.id, text))
        for second in range(seconds):
            self.emit(AudioDelta("resp_1", item.id, AudioChunk(second * US_PER_S, WIRE_RATE, TONE)))

    def answered(
        self, text: str, status: Any = "completed", reason: Any = None, times: StageTimes = TIMES
    ) -> None:
        """… and its end, with what of the text was kept."""
        ending = "completed" if status == "completed" else "incomplete"
        item = Message("item_answer", "assistant", (AudioContent(text),), ending)  # type: ignore[arg-type]
        self.emit(ResponseDone("resp_1", status, reason, item, SPOKEN, True, 90, 12, 8, times))

    def hear(self, text: str, start_s: int, end_s: int) -> None:
        """An utterance, from its start to its transcript."""
        words = tuple(Word(word, 0, 0) for word in text.split())
        self.emit(
            SpeechStarted(f"item_{start_s}", start_s * US_PER_S),
            SpeechStopped(f"item_{start_s}", end_s * US_PER_S),
            TranscriptCompleted(f"item_{start_s}", Transcript(words), (end_s - start_s) * US_PER_S),
        )

    def asked(self, name: str, at_least: int = 0) -> list[tuple[Any, ...]]:
        """What each request of that name was given so far, once there are ``at_least`` so many."""
        self.until(lambda: len(self._given(name)) >= at_least)
        return self._given(name)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a request that makes ``condition`` true."""
        with self._called:
            assert self._called.wait_for(condition, PATIENCE_MS / 1000), "it was not asked for"

    def _given(self, name: str) -> list[tuple[Any, ...]]:
        calls = self.live.calls if self.lives else []
        return [given for called, given in calls if called == name]


@pytest.fixture
def opened(script: Script, served: Any, visit: Any) -> Visit:
    """The page in conversation with the script, its microphone and camera on."""
    opened: Visit = visit(served(script.server))
    opened.page.get_by_role("button", name="Camera").click()
    opened.page.get_by_role("button", name="Start").click()
    expect(opened.page.locator("body")).to_have_attribute("data-status", "listening")
    return opened


@pytest.fixture
def page(opened: Visit) -> Page:
    return opened.page


@pytest.fixture
def new_script(background: Background, scripted: Any, photograph: Any) -> Callable[..., Script]:
    return lambda **options: Script(background, scripted, photograph("coffee.png"), **options)


@pytest.fixture
def script(new_script: Callable[..., Script]) -> Script:
    return new_script()
