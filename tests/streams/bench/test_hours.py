"""The simulation of hours, on the real model for a minute and a bit."""

import pytest

from streams.bench import hours
from streams.bench.hours import FRAMES, SIGHTS, aged, marks_of
from streams.bench.lookup import look_up
from streams.bench.memory_report import hours_plots, hours_report, lookup_report

LOOKUPS = 5


def test_marks_begin_at_a_minute_and_end_at_the_end():
    assert marks_of(10)[0] == 60
    assert marks_of(10)[-1] == 36_000
    assert marks_of(0.1) == sorted(set(marks_of(0.1)))
    assert len(marks_of(10)) > len(marks_of(1)) > len(marks_of(0.05))


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(hours, "SIGHTS", SIGHTS[:6])
    monkeypatch.setattr(hours, "YOUNG_FRAMES", 8)
    monkeypatch.setattr(hours, "ANSWERS", 1)
    monkeypatch.setattr(hours, "TOKENS", 2)


def test_a_stream_grows_and_is_searched(tmp_path, small, streams, config):
    reader, shape = streams.backend.reader, streams.backend.memory_shape
    memory = config.memory.model_copy(update={"dir": tmp_path, "ram_bytes": 8 * 2**20})
    seconds = []
    with aged(reader, shape, memory, 100 / 3_600, seconds.append) as old:
        assert sum(seconds) == 100 - FRAMES
        assert [mark.seconds for mark in old.marks] == [60, 100]
        first, last = old.marks
        assert last.blocks > first.blocks > 60
        assert last.disk_bytes > first.disk_bytes > 60 * 15 * reader.backbone.spec.token_bytes
        assert last.ram_bytes <= memory.ram_bytes
        old.stream.memory.check_integrity()
        report = hours_report(old, memory, reader)
        assert [row["age"] for row in report.rows] == ["01:00", "01:40"]
        assert all(len(plot.x) == 2 for plot in hours_plots(old, memory))
        found = look_up(old.stream, tmp_path, old.frames, LOOKUPS, seconds.append)
    assert len(found.total_ms) == LOOKUPS
    assert found.found == memory.recall_blocks
    assert found.from_disk > 0
    assert lookup_report(found).rows[2]["times"] > 1
