"""A small stream of photographs through a session on the real models, asked about at its times."""

import argparse
import asyncio
import json

import numpy as np
import PIL.Image
import PIL.ImageOps
import pytest

from gateway.assembly import Streams
from memory.block import BlockInfo
from streams.bench import sight
from streams.bench.sight_ask import CONDITIONS, Asked, Asker, Given, _holding, _outside, _place, _spread
from streams.bench.sight_play import Played, Player, questions
from streams.bench.sight_report import answers, cost, differences, kinds, recalled, summary
from streams.bench.sight_unasked import unasked
from streams.errors import ConfigError
from streams.train.pictures.photographs import Photograph
from streams.train.sample import Dialogue, Facts, Reply, Seen, Turn
from streams.types import BlockKind

S = 1_000_000
NAMES = ("coffee.png", "chelsea.png", "china.jpg", "motorcycle_left.png")
EVERY_S = 4


def turn(at_s, topic, text, right, evidence=(), choices=(), accepted=()):
    spans = tuple((start * S, end * S) for start, end in evidence)
    return Turn(at_s * S, topic, text, (Reply(at_s * S, right, accepted),), spans, choices)


DIALOGUE = Dialogue(
    frames=tuple(Seen(number * EVERY_S * S, number, Facts(())) for number in range(len(NAMES))),
    turns=(
        turn(1, "chat", "Hello.", "Hello."),
        turn(2, "now", "What do you see?", "A cup of coffee.", [(0, 0)], accepted=("coffee", "espresso")),
        turn(3, "alert", "Tell me when you see a dog.", "A dog."),
        turn(
            14,
            "past",
            "Which drink did you see?",
            "Coffee.",
            [(0, 0), (12, 12)],
            choices=("Coffee.", "Tea.", "Milk.", "Juice."),
        ),
    ),
    end_us=15 * S,
)


@pytest.fixture(scope="module")
def service(streams, config):
    """A window that holds little, so that what was seen soon leaves it."""
    memory = config.memory.model_copy(update={"window_tokens": 16, "recall_blocks": 1})
    return Streams(config.model_copy(update={"memory": memory}), streams.backend)


@pytest.fixture(scope="module")
def draw(models):
    folder = models.resolve("sample").path
    photographs = [
        PIL.Image.open(next(folder.rglob(name))).convert("RGB").resize((384, 288)) for name in NAMES
    ]
    return lambda number: np.asarray(photographs[number])


class Watching(Asker):
    """Keeps what the stream held when it was asked."""

    def __init__(self):
        super().__init__()
        self.held = []

    def ask(self, stream, turn):
        memory = stream.memory
        infos = [*memory.sealed(), *(block.info for block in memory.recent())]
        self.held.append([(info.kind.value, info.start_us) for info in infos])
        return super().ask(stream, turn)


@pytest.fixture(scope="module")
def played(service, draw):
    asker, done = Watching(), []
    found = asyncio.run(Player(service, draw, asker).play(DIALOGUE, lambda: done.append(1)))
    assert len(done) == questions(DIALOGUE) == 2
    return found, asker.held


def test_questions_come_at_their_times_and_leave_nothing_behind(played):
    _, held = played
    assert held == [[("frame", 0)], [("frame", number * EVERY_S * S) for number in range(len(NAMES))]]


def test_evidence_in_the_window_and_beyond_it_is_told_apart(played):
    first, second = played[0].asked
    assert (first.spans, first.outside, first.age_us) == (1, 0, 2 * S)
    # Of the second question's two spans the motorcycle is still in the window.
    assert (second.spans, second.outside, second.kept, second.age_us) == (2, 1, 1, 14 * S)
    assert second.ranks[0] is not None


def test_where_nothing_has_left_the_window_all_answers_are_one(played):
    given = played[0].asked[0].given
    assert set(given) == set(CONDITIONS)
    assert len(set(given.values())) == 1
    assert given["full"].right
    assert given["full"].likeliest is None


def test_answers_are_over_the_blocks_of_their_condition(played):
    given = played[0].asked[1].given
    tokens = {name: each.context_tokens for name, each in given.items()}
    assert tokens["window"] < tokens["recall"] < tokens["full"]
    assert tokens["window"] < tokens["oracle"] < tokens["full"]
    assert all(each.likeliest in (True, False) for each in given.values())


def test_a_model_that_cannot_speak_up_is_waited_for_in_vain(played):
    (waited,) = played[0].waited
    assert (waited.topic, waited.stood_us, waited.said) == ("alert", 12 * S, ())
    assert waited.understood
    (row,) = unasked([waited], speaks=False).rows
    assert (row["due"], row["said"], row["recall"], row["f1"], row["false_alarms"]) == (1, 0, 0, 0, 0)
    assert row["precision"] is None


def test_what_was_streamed_is_counted(played):
    found = played[0]
    assert (found.frames, found.blocks, found.length_us) == (4, 4, 15 * S)
    assert found.frame_tokens > 4 * found.blocks
    assert found.reading_s > 0
    assert found.memory_bytes > 0
    assert found.device_bytes > 0
    rows = {row["what"]: row["figure"] for row in cost([found, found]).rows}
    assert rows["frames shown"] == 8
    assert rows["tokens a block"] == found.frame_tokens / 4


def test_what_was_never_read_is_beyond_the_window_once_that_begins_after_it():
    def block(at_s, kind=BlockKind.FRAME):
        return BlockInfo(at_s, kind, at_s * S, (at_s + 1) * S, "", 1)

    spans = [(0, 0), (4 * S, 5 * S), (8 * S, 9 * S), (20 * S, 20 * S)]
    recent = [block(3, BlockKind.UTTERANCE), block(8)]
    frame = BlockKind.FRAME
    assert _outside(spans, frame, [block(4)], recent) == [(0, 0), (4 * S, 5 * S)]
    assert _outside(spans, frame, [block(4)], []) == [(4 * S, 5 * S)]
    assert _outside(spans, frame, [], []) == []


@pytest.mark.parametrize(
    ("ids", "count", "expected"),
    [((), 3, ()), ((4, 5), 3, (4, 5)), (range(9), 3, (1, 4, 7)), (range(10), 2, (2, 7)), (range(4), 0, ())],
)
def test_blocks_are_spread_evenly(ids, count, expected):
    assert _spread(list(ids), count) == expected


def test_what_was_said_while_evidence_was_seen_is_no_evidence():
    def block(id_, kind, start_s, end_s):
        return BlockInfo(id_, kind, start_s * S, end_s * S, "", 4)

    said = [block(1, BlockKind.UTTERANCE, 4, 5), block(2, BlockKind.REPLY, 5, 6)]
    seen = [block(3, BlockKind.FRAME, 0, 4), block(4, BlockKind.FRAME, 4, 8)]
    span = (4 * S, 6 * S)
    assert _holding([*said, *seen], BlockKind.FRAME, span) == seen[1:]
    assert _place([*said, *seen], BlockKind.FRAME, span) == 4
    assert _place(said, BlockKind.FRAME, span) is None


def test_what_was_said_at_a_moment_is_the_evidence_of_what_was_heard():
    said = BlockInfo(1, BlockKind.UTTERANCE, 4 * S, 4 * S, "", 4)
    seen = BlockInfo(2, BlockKind.FRAME, 4 * S, 8 * S, "", 4)
    assert _holding([seen, said], BlockKind.UTTERANCE, (4 * S, 4 * S)) == [said]


@pytest.fixture
def bench(streams, monkeypatch, tmp_path):
    """Runs the bench on the models that are loaded already; its figures by the title of the table."""

    class Kept(Streams):
        def close(self):
            pass

    monkeypatch.setattr("streams.bench.sight.Streams.load", lambda config: Kept(config, streams.backend))

    def run_bench(config, *words):
        parser = argparse.ArgumentParser()
        sight.add_arguments(parser)
        file = tmp_path / "sight.json"
        assert sight.run(parser.parse_args([*words, "--json", str(file)]), config) == 0
        return {each["title"]: each["rows"] for each in json.loads(file.read_text())["reports"]}

    return run_bench


def test_held_out_streams_are_played_under_each_setting(bench, config):
    words = ["--pictures", "drawings", "--set", "memory.recall_blocks=2"]
    found = bench(config, "--streams", "2", "--frames", "4", "6", *words)
    settings = found["settings"]
    assert [row["setting"] for row in settings] == ["as set", "memory.recall_blocks=2"]
    assert settings[0]["questions"] == settings[1]["questions"]
    shown = {row["what"]: row["figure"] for row in found["cost"]}
    assert shown["streams"] == 2
    assert 8 <= shown["frames shown"] <= 12
    assert found["answers by age"][-1]["age"] == "all"


@pytest.fixture
def photographs(monkeypatch, models):
    """Those of the sample, as if they were of the test."""
    folder = models.resolve("sample").path
    labels = [
        (("coffee", "cup"), ("drink",)),
        (("cat", "tabby"), ("animal",)),
        (("temple", "pagoda"), ("building",)),
        (("motorcycle", "motorbike"), ("vehicle",)),
    ]
    found = [
        (Photograph("test", "sample", file, names, classes), next(folder.rglob(file)))
        for file, (names, classes) in zip(NAMES, labels, strict=True)
    ]
    monkeypatch.setattr(sight, "find_photographs", lambda split, installer: iter(found))


def test_streams_of_photographs_are_played(bench, config, photographs, capsys):
    found = bench(config, "--streams", "1", "--frames", "6", "8", "--seed", "2")
    shown = {row["what"]: row["figure"] for row in found["cost"]}
    assert shown["streams"] == 1
    assert 6 <= shown["frames shown"] <= 8
    assert found["answers by age"][-1]["questions"] > 0
    assert capsys.readouterr().out.startswith("sight, photographs")


def test_photographs_are_of_the_test_alone_and_few(bench, config, photographs):
    with pytest.raises(ConfigError, match="of the test alone"):
        bench(config, "--split", "validation")
    with pytest.raises(ConfigError, match="too few for a stream"):
        bench(config, "--frames", "400", "400")


@pytest.mark.parametrize("words", [["--streams", "0"], ["--frames", "5", "4"], ["--frames", "0", "4"]])
def test_numbers_that_cannot_be_are_refused(words, bench, config):
    with pytest.raises(ConfigError, match="are above 0"):
        bench(config, *words)


# The tables.


def asked(right, outside=1, age_s=20, ranks=None, topic="past", likeliest=None):
    """``right``: by condition, others wrong."""
    given = {
        name: Given("", name in right, 0.0, None if likeliest is None else name in likeliest, 10)
        for name in CONDITIONS
    }
    ranks = (None,) * outside if ranks is None else ranks
    return Asked(topic, "What?", 100 * S, age_s * S, 1, ranks, len(ranks), given)


def stream(*asked):
    return Played([*asked], [], 60 * S, 10, 2.0, 4, 40, 1_000, 2_000)


STREAMS = [
    stream(asked({"full", "recall", "oracle"}, ranks=(1,)), asked({"full"}, ranks=(3,))),
    stream(asked({"full", "recall", "window"}, outside=0, age_s=3), asked((), age_s=400, topic="count")),
    stream(asked({"full"}, age_s=70, ranks=(8, None), likeliest={"recall"})),
]


def rows(report, key):
    return {row[key]: row for row in report.rows}


def test_answers_by_age_and_kind():
    by_age = rows(answers(STREAMS, "written"), "age")
    assert list(by_age) == ["in the window", "15 to 60 s", "60 to 300 s", "over 300 s", "beyond it", "all"]
    assert by_age["15 to 60 s"]["questions"] == 2
    assert by_age["15 to 60 s"]["written_full"] == 1
    assert by_age["15 to 60 s"]["written_recall"] == 0.5
    assert by_age["beyond it"]["written_full"] == 0.75
    assert by_age["all"]["written_window"] == 0.2
    assert rows(answers(STREAMS, "likeliest"), "age")["all"] == {
        "age": "all",
        "questions": 1,
        **{f"likeliest_{name}": float(name == "recall") for name in CONDITIONS},
    }
    by_kind = rows(kinds(STREAMS, "written"), "kind")
    assert by_kind["count"]["questions"] == 1
    assert by_kind["past"]["written_full"] == 1


def test_recall_at_k_is_over_spans_beyond_the_window():
    by_age = rows(recalled(STREAMS), "age")
    everything = by_age["beyond it"]
    assert everything["spans"] == 5
    assert [everything[f"at_{k}"] for k in (1, 2, 4, 8)] == [0.2, 0.2, 0.4, 0.6]
    assert by_age["60 to 300 s"]["at_8"] == 0.5


def test_differences_are_of_questions_beyond_the_window():
    found = rows(differences(STREAMS), "what")
    row = found["written: recall − full"]
    assert row["questions"] == 4
    assert row["points"] == pytest.approx(-50)
    assert row["low"] <= row["points"] <= row["high"]
    assert found["written: recall − window"]["points"] == pytest.approx(25)
    assert found["likeliest: recall − full"]["points"] == pytest.approx(100)


def test_settings_are_compared_in_one_table():
    found = rows(summary({"as set": STREAMS, "other": STREAMS[:1]}), "setting")
    assert found["as set"]["full"] == 0.8
    assert found["other"]["recall"] == 0.5
    assert found["other"]["tokens"] == 4
    assert found["other"]["fps"] == 5
