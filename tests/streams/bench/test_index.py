from __future__ import annotations

import numpy as np
import pytest

from memory.index.faiss_index import ROOM
from streams.bench.index import drifting_stream, measure, questions, report
from streams.bench.report import emit


def test_it_measures_each_size_and_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    rows = measure((300, 800), dim=16, layers=2, ivf_from=1_000)
    assert [(row.blocks, row.method) for row in rows] == [(300, "flat"), (800, "ivf")]
    small, large = rows
    assert small.train_s == 0 < large.train_s
    assert small.recall8 > 0.99
    assert large.recall8 > 0.9
    assert small.mb == 2 * 2 * 300 * (16 * 2 + 8) * ROOM / 1e6
    for row in rows:
        assert 0 < row.search_p50_ms <= row.search_p95_ms
        assert min(row.search_cpu_ms, row.add_us, row.remove_us, row.recent_p50_ms) > 0
    emit(report(rows, 16, 2))
    assert "ivf" in capsys.readouterr().out


def test_neighbours_in_time_are_neighbours_in_space() -> None:
    vectors = drifting_stream(600, 32)
    assert vectors.shape == (600, 2, 32)
    steps = np.linalg.norm(np.diff(vectors[:, 0], axis=0), axis=1)
    apart = np.linalg.norm(vectors[:300, 0] - vectors[300:, 0], axis=1)
    assert np.median(steps) < 0.5 * np.median(apart)
    assert questions(vectors.reshape(-1, 32), 5).shape == (5, 32)
    np.testing.assert_array_equal(vectors, drifting_stream(600, 32))
