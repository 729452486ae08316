"""A few virtual minutes of the soak: what one exchange needs is let go of when it is over."""

import asyncio
from collections import Counter

import numpy as np
import PIL.Image
import pytest

from gateway.assembly import Streams
from speech.hibari import HibariSynthesizer
from streams.bench.caller import speak
from streams.bench.day import HOUR_S, Day, Density, Mark, Material
from streams.bench.resident import census, settled_bytes
from streams.bench.soak import live, report, soak_config, worst_change
from streams.talk.sight import encode_jpeg

KEPT = (
    "memory.",
    "streams.types.",
    "streams.conversation.",
    "gateway.live.spoken_text.",
    "gateway.live.response.Sent",
    "streams.bench.",
)
"""What the stream is remembered by grows with it, within budgets; the bench itself keeps marks."""

MINUTE_S = 60


@pytest.fixture(scope="module")
def material(models):
    folder = models.resolve("sample").path
    voice = HibariSynthesizer()
    questions, long_questions, interruptions = (
        speak(voice, [text]) for text in ("Did you see a cat?", "Tell me about cats.", "Wait, stop.")
    )
    pictures = [
        encode_jpeg(np.asarray(PIL.Image.open(next(folder.rglob(name))).convert("RGB").resize((320, 240))))
        for name in ("coffee.png", "chelsea.png", "motorcycle_left.png")
    ]
    return Material(questions, long_questions, interruptions, pictures)


@pytest.fixture(scope="module")
def lived(streams, material, tmp_path_factory):
    """Marks of three minutes."""
    config = soak_config(streams.config, tmp_path_factory.mktemp("soak"))
    llm = config.llm.model_copy(update={"max_output_tokens": 16})
    service = Streams(config.model_copy(update={"llm": llm}), streams.backend)
    density = Density(
        frame_every_s=10,
        question_every_s=30,
        interrupted_share=0.4,
        scene_s=(10, 20),
        visitor_every_s=2 * MINUTE_S,
        mark_every_s=MINUTE_S,
    )
    seconds, told = [], []
    day = Day(service, material, density, 3, told.append)
    marks = asyncio.run(live(service, day, 3 * MINUTE_S, seconds.append))
    assert sum(seconds) == 3 * MINUTE_S
    assert told == marks
    return marks


def test_a_day_goes_on_with_everything_in_it(lived):
    assert [mark.at_s for mark in lived] == [60, 120, 180]
    last = lived[-1]
    assert last.frames == 2 * 18
    assert last.answers > 6
    assert last.visitors == 1
    assert last.memory_bytes["ram"] > 0
    assert last.memory_bytes["disk"] > lived[0].memory_bytes["disk"]


def test_nothing_of_an_exchange_stays_behind(lived):
    first, last = lived[0], lived[-1]
    grown = {
        name: count - first.objects[name] for name, count in last.objects.items() if not name.startswith(KEPT)
    }
    assert len(grown) > 20
    exchanges = last.answers - first.answers
    assert {name: count for name, count in grown.items() if count >= exchanges} == {}


def mark(at_s, resident_bytes, **objects):
    memory = {"device": 1, "ram": 2, "disk": 3}
    return Mark(at_s, resident_bytes, memory, Counter(objects), 0, 0, 0, 0, 1.0)


def test_growth_counts_from_the_first_hour_on():
    marks = [
        mark(HOUR_S, 1_000, Answer=3),
        mark(2 * HOUR_S, 1_030, Answer=3),
        mark(3 * HOUR_S, 990, Answer=9),
    ]
    assert worst_change(marks) == pytest.approx(0.03)
    told = report(marks, Density())
    assert [row["change"] for row in told.rows] == [None, pytest.approx(0.03), pytest.approx(-0.01)]
    assert any("NOT held" in note for note in told.notes)
    assert any("Answer 3 → 9" in note for note in told.notes)


def test_less_than_an_hour_has_no_verdict():
    assert worst_change([mark(HOUR_S // 2, 1_000)]) is None
    assert worst_change([mark(HOUR_S, 1_000)]) is None


def test_what_a_process_holds_is_counted():
    held = Density()
    assert census()["streams.bench.day.Density"] >= 1
    assert held.frame_every_s == 10
    assert settled_bytes() > 10_000_000
