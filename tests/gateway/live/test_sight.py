import asyncio
import io
import threading
from dataclasses import replace

import numpy as np
import PIL.Image
import pytest
import torch

from gateway.live.reading import Reading
from gateway.live.sight import UNSURE, Sight
from llm.novelty import NoveltyFilter
from llm.reader import Reader
from llm.steps import run
from llm.stream import Stream
from llm.visual import VisualTokens
from memory.host import MemoryHost
from streams.clock import ReplayClock, WallClock
from streams.errors import MediaError
from streams.events import FramesDropped, FrameSeen, SessionFailed
from streams.types import BlockKind, Frame

S = 1_000_000
TIMEOUT_S = 60


class Gated:
    """The real encoder, held until it is let through; it fails on an all-black picture."""

    def __init__(self, encoder):
        self._encoder = encoder
        self.through = threading.Event()
        self.through.set()
        self.times = []
        self.labelled = []

    def features(self, frames):
        assert self.through.wait(TIMEOUT_S)
        self.times += [frame.pts_us for frame in frames]
        if not frames[0].image.any():
            raise MediaError("too dark")
        return self._encoder.features(frames)

    def label(self, frames, features):
        self.labelled += [frame.pts_us for frame in frames]
        return self._encoder.label(frames, features)


@pytest.fixture(scope="module")
def photograph(models):
    folder = models.resolve("sample").path

    def load(name):
        picture = PIL.Image.open(next(folder.rglob(name))).convert("RGB")
        return np.asarray(picture.resize((320, 240)))

    return load


@pytest.fixture
def encoder(streams):
    return Gated(streams.backend.encoder)


class Projection:
    """An eye: the mean feature and its size, at random places of the model's space. Bright ones are named."""

    def __init__(self, hidden):
        self._weights = torch.randn(1280, hidden, generator=torch.Generator().manual_seed(1)) / 40
        self.looked = []

    def look(self, frames, features):
        self.looked += [frame.pts_us for frame in frames]
        return [self._look(*each) for each in zip(frames, features, strict=True)]

    def _look(self, frame, features):
        seen = torch.from_numpy(features.vectors[[0, 24]]) @ self._weights
        return VisualTokens(seen, text="something bright" if frame.image.mean() > 200 else "")


@pytest.fixture
def look(streams, config, encoder):
    """Runs a scenario with a sight on the given clock, its stream's memory and what it told."""

    def play(scenario, clock, *, eye=None, **video):
        async def whole():
            events = []
            # Without an eye it is told names, whatever the embedded model has.
            reader = streams.backend.reader
            reader = Reader(reader.backbone, reader.chat, reader.config, eye=eye)
            backend = replace(streams.backend, encoder=encoder, reader=reader)
            host = MemoryHost(config.memory, backend.memory_shape)
            stream = await backend.engine.run(lambda: Stream(backend.reader, host.open("sight"), "You see."))
            settings = config.video.model_copy(update=video)
            sight = Sight(backend, settings, clock, stream, Reading(backend, stream), events.append)
            async with asyncio.timeout(TIMEOUT_S):
                await scenario(sight, stream.memory, events)
            await sight.close()
            stream.memory.check_integrity()
            host.close()

        asyncio.run(whole())

    return play


def grey(level):
    return np.full((48, 64, 3), level, np.uint8)


def frames_in(memory):
    return [block.info for block in memory.recent() if block.info.kind is BlockKind.FRAME]


def of(events, kind):
    return [event for event in events if isinstance(event, kind)]


def test_what_is_seen_is_read_and_told_at_its_time(look, photograph):
    async def scenario(sight, memory, events):
        await sight.append(photograph("coffee.png"), 0)
        await sight.append(photograph("chelsea.png"), 2 * S)
        await sight.drain()
        assert events == [FrameSeen(0, "espresso coffee"), FrameSeen(2 * S, "cat")]
        frames = frames_in(memory)
        assert [(info.start_us, info.end_us, info.text) for info in frames] == [
            (0, S, "espresso coffee"),
            (2 * S, 3 * S, "cat"),
        ]
        picture = PIL.Image.open(io.BytesIO(sight.thumbnail(frames[1].id)))
        assert (picture.format, max(picture.size)) == ("JPEG", 160)
        assert sight.thumbnail(99) is None

    look(scenario, ReplayClock())


def test_the_first_frame_of_a_sender_is_now(look, encoder):
    async def scenario(sight, memory, events):
        for pts_us, level in ((1_000 * S, 50), (1_003 * S, 150), (990 * S, 250)):
            await sight.append(grey(level), pts_us)
        await sight.drain()
        assert encoder.times == [5 * S, 8 * S, 0]
        await sight.append(grey(1), None)
        await sight.drain()
        assert encoder.times[-1] == 8 * S

    clock = ReplayClock(5 * S)
    look(scenario, clock)
    assert clock.now_us() == 8 * S


def test_on_media_time_senders_wait_and_nothing_is_dropped(look, encoder):
    async def scenario(sight, memory, events):
        encoder.through.clear()

        async def send():
            for number in range(12):
                await sight.append(grey(255 * (number % 2) or 9), number * S)

        sending = asyncio.create_task(send())
        for _ in range(100):
            await asyncio.sleep(0)
        assert not sending.done()
        assert sight.counts.seen <= 5
        encoder.through.set()
        await sending
        await sight.drain()
        assert (sight.counts.seen, sight.counts.encoded, sight.counts.dropped) == (12, 12, 0)
        assert [event.pts_us for event in of(events, FrameSeen)] == [number * S for number in range(12)]
        assert of(events, FramesDropped) == []

    look(scenario, ReplayClock(), queue_frames=3)


def test_live_the_oldest_waiting_frames_are_dropped_and_every_one_is_reported(look, encoder):
    async def scenario(sight, memory, events):
        encoder.through.clear()
        for number in range(20):
            await sight.append(grey(255 * (number % 2) or 9), number * S)
            await asyncio.sleep(0)
        encoder.through.set()
        await sight.drain()
        assert (sight.counts.seen, sight.counts.encoded, sight.counts.dropped) == (20, 5, 15)
        offset_us = encoder.times[0]
        assert [time - offset_us for time in encoder.times] == [n * S for n in (0, 16, 17, 18, 19)]
        reports = of(events, FramesDropped)
        assert sum(report.count for report in reports) == 15
        assert [report.total for report in reports] == list(np.cumsum([report.count for report in reports]))
        assert {report.reason for report in reports} == {"overload"}

    look(scenario, WallClock(), queue_frames=4)


def test_frames_above_the_rate_and_duplicates_are_seen_but_not_encoded(look, encoder):
    async def scenario(sight, memory, events):
        for tenth in range(25):
            await sight.append(grey(9), tenth * S // 10)
        await sight.append(grey(200), 3 * S)
        await sight.drain()
        assert (sight.counts.seen, sight.counts.encoded, sight.counts.dropped) == (26, 2, 0)
        assert encoder.times == [0, 3 * S]

    look(scenario, ReplayClock())


def test_the_same_again_is_read_again_only_when_it_lasted(look, photograph):
    cat = photograph("chelsea.png")
    shifted = np.roll(cat, 40, axis=1)

    async def scenario(sight, memory, events):
        for second in range(9):
            await sight.append(shifted if second % 2 else cat, second * S)
        await sight.drain()
        assert {event.text for event in of(events, FrameSeen)} == {"cat"}
        assert len(of(events, FrameSeen)) == 9
        assert [info.start_us for info in frames_in(memory)] == [0, 4 * S, 8 * S]

    look(scenario, ReplayClock(), keep_every_s=4)


def test_an_unsure_encoder_adds_nothing_unless_the_picture_is_pointed_at(look):
    rows, columns = np.mgrid[0:48, 0:64]
    gradient = np.stack([columns * 4, rows * 5, (columns + rows) * 2], -1).astype(np.uint8)

    async def scenario(sight, memory, events):
        await sight.append(gradient, 0)
        await sight.drain()
        assert events == [FrameSeen(0, "")]
        assert frames_in(memory) == []
        assert await sight.show(gradient, "item_1") == UNSURE
        assert [info.text for info in frames_in(memory)] == [UNSURE]

    look(scenario, ReplayClock())


@pytest.fixture
def eye(streams):
    return Projection(streams.backend.reader.backbone.spec.hidden)


def test_with_an_eye_every_frame_that_is_sampled_is_read(look, photograph, eye, encoder):
    """The sure ones, the unsure ones, and those that show the same again; only what the eye has no words for
    is named."""
    cat = photograph("chelsea.png")

    async def scenario(sight, memory, events):
        for second, picture in enumerate([cat, grey(255), np.roll(cat, 40, axis=1), photograph("moon.png")]):
            await sight.append(picture, second * S)
        await sight.drain()
        said = ["cat", "something bright", "cat", ""]
        assert events == [FrameSeen(second * S, text, 2, 0) for second, text in enumerate(said)]
        assert eye.looked == encoder.times == [0, S, 2 * S, 3 * S]
        assert encoder.labelled == [0, 2 * S, 3 * S]
        assert [(info.start_us, info.text) for info in frames_in(memory)] == [
            (second * S, text) for second, text in enumerate(said)
        ]

    look(scenario, ReplayClock(), eye=eye)


class Shifting:
    """An eye with three tokens: two by the brightest pixel of a picture, the last by the darkest."""

    def __init__(self, hidden):
        self._hidden = hidden

    def look(self, frames, features):
        return [VisualTokens(self._look(frame.image)) for frame in frames]

    def _look(self, image):
        seeds = (int(image.max()), int(image.max()), 1_000 + int(image.min()))
        rows = [torch.randn(self._hidden, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        return torch.stack(rows)


def dotted(level, dot):
    picture = grey(level)
    picture[:40, :40] = dot
    return picture


ALL_AT_ONCE = {"duplicate_threshold": 0.0}
"""Every frame goes on to the encoder, also one that is the same as the last."""


@pytest.mark.parametrize(("budget", "second"), [("all", (3, 0)), ("frames", (0, 3)), ("tokens", (0, 3))])
def test_of_a_frame_that_shows_nothing_new_the_budget_says_what_is_read(look, streams, budget, second):
    async def scenario(sight, memory, events):
        for at_s in (0, 1, 2):
            await sight.append(grey(100), at_s * S)
        await sight.drain()
        assert [(event.tokens, event.saved) for event in events] == [(3, 0), second, second]
        spans = [(info.start_us, info.end_us) for info in frames_in(memory)]
        assert spans == ([(0, S), (S, 2 * S), (2 * S, 3 * S)] if budget == "all" else [(0, 3 * S)])

    eye = Shifting(streams.backend.reader.backbone.spec.hidden)
    look(scenario, ReplayClock(), eye=eye, sample_fps=1.0, token_budget=budget, **ALL_AT_ONCE)


@pytest.mark.parametrize(("budget", "second"), [("frames", (3, 0)), ("tokens", (1, 2))])
def test_of_a_frame_with_one_new_token_all_are_read_or_that_one(look, streams, budget, second):
    async def scenario(sight, memory, events):
        for at_s, picture in enumerate([dotted(100, 90), dotted(100, 30), dotted(100, 30)]):
            await sight.append(picture, at_s * S)
        await sight.drain()
        assert [(event.tokens, event.saved) for event in events] == [(3, 0), second, (0, 3)]
        first, last = frames_in(memory)
        assert (first.end_us, last.start_us, last.end_us) == (S, S, 3 * S)
        assert first.tokens - last.tokens == second[1]

    eye = Shifting(streams.backend.reader.backbone.spec.hidden)
    look(scenario, ReplayClock(), eye=eye, sample_fps=1.0, token_budget=budget, **ALL_AT_ONCE)


def test_what_is_new_is_not_found_out_on_the_event_loop(look, streams, monkeypatch):
    """Tensors come from the encoder's device there, for which all sessions would wait."""
    threads = []

    class Watched(NoveltyFilter):
        def choose(self, visual, window):
            threads.append(threading.current_thread())
            return super().choose(visual, window)

        def note_read(self, block_id, visual):
            threads.append(threading.current_thread())
            super().note_read(block_id, visual)

    monkeypatch.setattr("gateway.live.sight.NoveltyFilter", Watched)

    async def scenario(sight, memory, events):
        await sight.append(grey(100), 0)
        await sight.append(grey(100), S)
        await sight.drain()
        assert len(threads) == 3
        assert threading.current_thread() not in threads

    eye = Shifting(streams.backend.reader.backbone.spec.hidden)
    look(scenario, ReplayClock(), eye=eye, sample_fps=1.0, token_budget="tokens", **ALL_AT_ONCE)


def test_what_has_left_the_window_is_read_again_though_nothing_changed(look, streams):
    async def scenario(sight, memory, events):
        await sight.append(grey(100), 0)
        await sight.drain()
        memory.forget([block.id for block in memory.recent()])
        await sight.append(grey(100), S)
        await sight.drain()
        assert [(event.tokens, event.saved) for event in events] == [(3, 0), (3, 0)]

    eye = Shifting(streams.backend.reader.backbone.spec.hidden)
    look(scenario, ReplayClock(), eye=eye, sample_fps=1.0, token_budget="tokens", **ALL_AT_ONCE)


def test_what_the_eye_saw_is_what_the_model_reads(look, photograph, eye, streams):
    picture = photograph("moon.png")

    async def scenario(sight, memory, events):
        await sight.append(picture, 5 * S)
        await sight.drain()
        (block,) = [block for block in memory.recent() if block.info.kind is BlockKind.FRAME]
        reader = streams.backend.reader
        visual = VisualTokens(sight_of(picture))
        passage = reader.chat.sight(0, visual)
        assert block.tokens == passage.tokens
        context = reader.backbone.new_context()
        again = run(reader.read(passage, [memory.sinks], context, block.info))
        torch.testing.assert_close(block.keys, again.keys)
        blank = reader.chat.sight(0, VisualTokens(torch.zeros_like(visual.embeddings)))
        other = run(reader.read(blank, [memory.sinks], context, block.info))
        assert not torch.allclose(block.keys, other.keys, atol=0.1)

    def sight_of(image):
        (seen,) = streams.backend.encoder.features([Frame(0, image)])
        return eye.look([Frame(0, image)], [seen.embedding])[0].embeddings

    look(scenario, ReplayClock(), eye=eye)


def test_a_picture_that_is_pointed_at_is_read_through_the_eye_too(look, photograph, eye):
    async def scenario(sight, memory, events):
        assert await sight.show(photograph("moon.png"), "item_1") == UNSURE
        assert await sight.show(photograph("coffee.png"), "item_1") == "espresso coffee"
        assert [info.text for info in frames_in(memory)] == ["", "espresso coffee"]
        assert isinstance(await sight.look(photograph("moon.png")), VisualTokens)
        assert len(eye.looked) == 3

    look(scenario, ReplayClock(), eye=eye)


def test_a_picture_that_is_shown_is_named_now(look, photograph):
    async def scenario(sight, memory, events):
        assert await sight.show(photograph("coffee.png"), "item_1") == "espresso coffee"
        (info,) = frames_in(memory)
        assert info.start_us == 7 * S
        assert sight.thumbnail(info.id) is not None

    look(scenario, ReplayClock(7 * S))


def test_frames_that_wait_can_be_forgotten(look, encoder):
    async def scenario(sight, memory, events):
        encoder.through.clear()
        for number in range(4):
            await sight.append(grey(255 * (number % 2) or 9), number * S)
            await asyncio.sleep(0)
        sight.clear()
        encoder.through.set()
        await sight.drain()
        assert encoder.times == [0]

    look(scenario, ReplayClock())


def test_a_frame_that_fails_does_not_stop_the_next(look, caplog):
    async def scenario(sight, memory, events):
        await sight.append(grey(0), 0)
        await sight.append(grey(200), S)
        await sight.drain()
        failed, seen = events
        assert isinstance(failed, SessionFailed)
        assert "the frame at 0.0 s is lost: too dark" in failed.error.message
        assert seen.pts_us == S
        assert sight.counts.encoded == 1

    look(scenario, ReplayClock())
