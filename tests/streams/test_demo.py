"""The demo's client against a real gateway, on media time: seconds of video instead of minutes."""

import asyncio
import io

import av
import numpy as np
import PIL.Image
import pytest
from rich.console import Console

from gateway.assembly import Streams
from streams.client import RealtimeClient
from streams.demo import save, score
from streams.script import SCRIPT, Line
from streams.serve import new_server
from streams.timeline import Timeline
from streams.viewer import Viewer

FPS = 4
LENGTH_S = 14


@pytest.fixture(scope="module")
def video(models, tmp_path_factory):
    """A still photograph of an espresso, as a film."""
    path = tmp_path_factory.mktemp("demo") / "coffee.mp4"
    photograph = next(models.resolve("sample").path.rglob("coffee.png"))
    picture = np.asarray(PIL.Image.open(photograph).convert("RGB").resize((320, 240)))
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for _ in range(LENGTH_S * FPS):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def offline(streams, config):
    server = config.server.model_copy(update={"port": 0, "clock": "media"})
    return Streams(config.model_copy(update={"server": server}), streams.backend)


def test_a_short_demo_asks_interrupts_and_saves(offline, video, tmp_path):
    lines = [
        Line(3.0, "What do you see now?", "now", ("coffee", "espresso")),
        Line(8.0, "Explain in detail how coffee is made.", "story"),
        Line(8.0, "Wait, what do you see now?", "interruption", ("an aeroplane",)),
    ]
    spoken = [(line, offline.backend.synthesizer.synthesize(line.text)) for line in lines]
    console = Console(file=io.StringIO(), width=100)

    async def show():
        with Timeline(console) as timeline:
            viewer = Viewer(timeline, fast=True)
            async with (
                new_server(offline) as server,
                RealtimeClient(server.url, viewer.on_event) as client,
            ):
                await viewer.run(client, video, spoken)
        return viewer

    viewer = asyncio.run(show())
    assert viewer.errors == []
    first, story, interruption = viewer.exchanges
    assert first.heard == "What do you see now?"
    assert "coffee" in first.answer.lower()
    assert first.status == "completed"
    assert story.status == "cancelled"
    assert interruption.answer
    assert {"transcript", "recall", "first_token", "first_audio", "total"} <= set(first.latency)

    assert [each.right for each in viewer.exchanges] == [True, None, False]
    report = score(viewer.exchanges)
    assert [row["right"] for row in report.rows] == ["yes", "no"]
    assert report.notes == ("1 of 2 right",)

    printed = console.file.getvalue()
    for kind in ("saw", "hears", "you", "answer", "timing"):
        assert f" {kind}  " in printed

    save(viewer.exchanges, tmp_path)
    assert (tmp_path / "answer-01.wav").stat().st_size > 10_000
    assert "What do you see now?" in (tmp_path / "transcript.txt").read_text("utf-8")


def test_the_script_covers_what_the_demo_is_to_show():
    about = [line.about for line in SCRIPT]
    assert {"now", "long ago", "said before", "interruption"} <= set(about)
    assert [line.at_s for line in SCRIPT] == sorted(line.at_s for line in SCRIPT)
    asked = [line for line in SCRIPT if line.accepted]
    assert len(asked) == 10
    assert all(
        line.at_s >= 100 for line in asked if line.text in ("Did you see a cat?", "What did you see first?")
    )
    before = {about[index - 1] for index, each in enumerate(about) if each == "interruption"}
    assert before == {"story"}
