"""The tables of ``streams bench gateway``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from streams.bench.caller import CHUNK_MS, FRAMES_PER_S
from streams.bench.exchange import CLIENT_STAGES, SERVER_STAGES, Exchange
from streams.bench.load import INTERRUPTED_SHARE, PAUSE_S, Load
from streams.bench.report import Cell, Column, Report
from streams.bench.scrape import labelled
from streams.config import StreamsConfig

PERCENTILES = (50, 95, 99)

TURNS = (
    Column("sessions", "sessions", "d"),
    Column("minutes", "minutes", ".1f"),
    Column("turns", "turns", "d"),
    Column("answered", "answered", "d"),
    Column("interrupted", "interrupted", "d"),
    Column("unanswered", "unanswered", "d"),
    Column("refused", "refused"),
    Column("lost", "lost", "d"),
    Column("held", "false alarms"),
    Column("errors", "errors"),
)
MACHINE = (
    Column("sessions", "sessions", "d"),
    Column("frames_sent", "frames", "d"),
    Column("dropped", "dropped"),
    Column("resident_mb", "server MB", ".0f"),
    Column("device_mb", "device MB", ".1f"),
    Column("ram_mb", "RAM MB", ".1f"),
    Column("disk_mb", "disk MB", ".1f"),
    Column("server_cores", "server cores", ".2f"),
    Column("client_cores", "client cores", ".2f"),
)


def reports(loads: Sequence[Load], config: StreamsConfig) -> list[Report]:
    silence_ms = config.speech.silence_duration_ms
    client = (
        "from the last sample of speech sent to the event that tells of the stage received, both at the "
        "client; first audio is voice to voice. Of each "
        f"{silence_ms} ms are the silence that ends a turn. Answers that their asker interrupted count, too.",
    )
    server = ("as session.latency tells: from the end of the voice, by the server's clock",)
    return [
        _stages("at the client, ms", loads, CLIENT_STAGES, Exchange.waited_ms, client),
        _stages("at the server, ms", loads, SERVER_STAGES, _told_ms, server),
        _turns(loads),
        _machine(loads),
    ]


def percentiles(values: Sequence[float]) -> list[float | None]:
    """Of ``values`` at ``PERCENTILES``; None where there are none."""
    return [float(np.percentile(values, share)) if values else None for share in PERCENTILES]


def _stages(
    title: str,
    loads: Sequence[Load],
    stages: Sequence[str],
    wait_ms: Callable[[Exchange, str], float | None],
    notes: tuple[str, ...],
) -> Report:
    columns = [Column("stage", "stage")]
    rows: list[dict[str, Cell]] = [{"stage": stage.replace("_", " ")} for stage in stages]
    for load in loads:
        names = [f"sessions_{load.sessions}_p{share}" for share in PERCENTILES]
        columns += [
            Column(name, f"N={load.sessions} p{share}", ".0f")
            for name, share in zip(names, PERCENTILES, strict=True)
        ]
        for row, stage in zip(rows, stages, strict=True):
            waits = [wait for each in load.exchanges if (wait := wait_ms(each, stage)) is not None]
            row.update(zip(names, percentiles(waits), strict=True))
    return Report(title, tuple(columns), tuple(rows), notes)


def _told_ms(exchange: Exchange, stage: str) -> float | None:
    return exchange.told_ms.get(stage)


def _turns(loads: Sequence[Load]) -> Report:
    rows: list[dict[str, Cell]] = [
        {
            "sessions": load.sessions,
            "minutes": load.seconds / 60,
            "turns": len(load.exchanges),
            "answered": sum(each.status in ("completed", "incomplete") for each in load.exchanges),
            "interrupted": sum(each.status == "cancelled" for each in load.exchanges),
            "unanswered": sum(not each.status for each in load.exchanges),
            "refused": _counts(labelled(load.counted, "streams_sessions_refused_total")),
            "lost": load.lost,
            "held": _counts(labelled(load.counted, "streams_false_alarms_total")),
            "errors": _counts(load.errors),
        }
        for load in loads
    ]
    note = (
        f"each session: sound in pieces of {CHUNK_MS} ms and {FRAMES_PER_S:.0f} frames a second, in real "
        f"time; {INTERRUPTED_SHARE:.0%} of the questions' answers spoken over; {PAUSE_S[0]:.0f} to "
        f"{PAUSE_S[1]:.0f} s of silence between turns"
    )
    return Report("conversations", TURNS, tuple(rows), (note,))


def _machine(loads: Sequence[Load]) -> Report:
    rows: list[dict[str, Cell]] = [
        {
            "sessions": load.sessions,
            "frames_sent": load.frames_sent,
            "dropped": _counts(labelled(load.counted, "streams_frames_dropped_total")),
            "resident_mb": load.resident_bytes / 1e6,
            **{f"{tier}_mb": load.memory_bytes[tier] / 1e6 for tier in ("device", "ram", "disk")},
            "server_cores": load.counted["process_cpu_seconds_total", ""] / load.seconds,
            "client_cores": load.client_cpu_s / load.seconds,
        }
        for load in loads
    ]
    note = (
        "server and clients are two processes of one machine and share its cores as the system sees fit; "
        "cores: processor time by time passed; server MB: the process; device, RAM and disk: the memories of "
        "its sessions; each the most there was"
    )
    return Report("machine", MACHINE, tuple(rows), (note,))


def _counts(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items())) or "0"
