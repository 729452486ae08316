"""Benchmarks by name."""

from __future__ import annotations

from streams.benchmark.case import Format
from streams.benchmark.ovo_bench import OvoBench
from streams.benchmark.rekv import Rekv
from streams.benchmark.streaming_bench import StreamingBench

FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        StreamingBench(),
        OvoBench(),
        Rekv("rvs-ego", ("ego4d_oe.json", "rvs_ego*.json"), choices=False),
        Rekv("rvs-movie", ("movienet_oe.json", "rvs_movie*.json"), choices=False),
        Rekv("qaego4d-mc", ("test_mc.json", "qaego4d*.json"), choices=True),
    )
}
