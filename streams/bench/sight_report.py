"""Tables of ``streams bench sight``. Intervals of 95 % are bootstrapped over streams."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import mean

from streams.bench.bootstrap import interval
from streams.bench.report import Cell, Column, Report
from streams.bench.sight_ask import CONDITIONS, RANKED, Asked
from streams.bench.sight_play import Played
from streams.types import US_PER_S

AGES_S = (15, 60, 300)
"""Edges of how long ago evidence was."""
KS = (1, 2, 4, RANKED)

Figure = Callable[[Sequence[Asked]], float | None]

MEASURES = {"written": "answers", "likeliest": "choices"}

NOTES = {
    "written": (
        "Right: what was written holds an accepted wording, word for word. By how long ago the oldest "
        "evidence ended; in the window: all of it has a frame there.",
        "full: all blocks; oracle: those of the evidence; uniform: as many as recall may hand back, evenly "
        "spread.",
    ),
    "likeliest": ("Right: of the answers given, the right one is the likeliest by token.",),
}


def answers(played: Sequence[Played], measure: str) -> Report:
    """Right answers by how long ago their evidence was, of those ``measure`` applies to."""
    asked = [each for each in _asked(played) if _figure(measure, "full")([each]) is not None]
    groups = _grouped(asked, _age, _ages())
    outside = [each for each in asked if each.outside]
    groups |= {name: group for name, group in (("beyond it", outside), ("all", asked)) if group}
    rows = tuple({"age": age, **_row(group, measure)} for age, group in groups.items())
    title = f"{MEASURES[measure]} by age"
    return Report(title, (Column("age", "evidence"), *_columns(measure)), rows, NOTES[measure])


def kinds(played: Sequence[Played], measure: str) -> Report:
    """Right answers by what is asked about."""
    asked = [each for each in _asked(played) if _figure(measure, "full")([each]) is not None]
    groups = sorted(_grouped(asked, lambda each: each.topic, ()).items())
    rows = tuple({"kind": kind, **_row(inside, measure)} for kind, inside in groups)
    return Report(f"{MEASURES[measure]} by kind", (Column("kind", "kind"), *_columns(measure)), rows)


def _columns(measure: str) -> tuple[Column, ...]:
    return (
        Column("questions", "questions", "d"),
        *(Column(f"{measure}_{name}", name, ".0%") for name in CONDITIONS),
    )


def _row(asked: Sequence[Asked], measure: str) -> dict[str, Cell]:
    figures = {f"{measure}_{name}": _figure(measure, name)(asked) for name in CONDITIONS}
    return {"questions": len(asked), **figures}


def differences(played: Sequence[Played]) -> Report:
    """Recall against the others where some evidence has left the window."""
    columns = (
        Column("what", "beyond the window"),
        Column("questions", "questions", "d"),
        Column("points", "points", "+.1f"),
        Column("low", "from", "+.1f"),
        Column("high", "to", "+.1f"),
    )
    rows: list[dict[str, Cell]] = []
    for measure in MEASURES:
        for other in ("full", "window", "uniform", "oracle"):
            figure = _difference(measure, other)
            found = [[each for each in one.asked if each.outside] for one in played]
            if (points := figure([each for one in found for each in one])) is None:
                continue
            low, high = interval(found, figure)
            what = f"{measure}: recall − {other}"
            rows.append(
                {"what": what, "questions": sum(map(len, found)), "points": points, "low": low, "high": high}
            )
    return Report(
        "recall against the others", columns, tuple(rows), ("Percentage points, 95 % over streams.",)
    )


def recalled(played: Sequence[Played]) -> Report:
    columns = (
        Column("age", "evidence"),
        Column("spans", "spans", "d"),
        Column("kept", "in memory", ".0%"),
        *(Column(f"at_{k}", f"recall@{k}", ".0%") for k in KS),
        Column("low", f"@{RANKED} from", ".0%"),
        Column("high", "to", ".0%"),
    )
    rows: list[dict[str, Cell]] = []
    groups = {**dict.fromkeys(_ages()[1:], ""), "beyond it": ""}
    for age in groups:
        found = [
            [each for each in one.asked if each.outside and age in (_age(each), "beyond it")]
            for one in played
        ]
        inside = [each for one in found for each in one]
        if not inside:
            continue
        low, high = interval(found, _recall_at(RANKED))
        rows.append(
            {
                "age": age,
                "spans": sum(each.outside for each in inside),
                "kept": sum(each.kept for each in inside) / sum(each.outside for each in inside),
                **{f"at_{k}": _recall_at(k)(inside) for k in KS},
                "low": low,
                "high": high,
            }
        )
    notes = (
        "recall@k: of the spans of evidence beyond the window those with a frame among the first k blocks by "
        "score. In memory: those of which any frame was read; what the eye was not sure of is not.",
    )
    return Report("recall of evidence", columns, tuple(rows), notes)


def cost(played: Sequence[Played]) -> Report:
    frames = sum(one.frames for one in played)
    hours = sum(one.length_us for one in played) / US_PER_S / 3_600
    blocks = sum(one.blocks for one in played)
    tokens = sum(one.frame_tokens for one in played)
    rows: tuple[dict[str, Cell], ...] = (
        {"what": "streams", "figure": float(len(played))},
        {"what": "hours of stream", "figure": hours},
        {"what": "frames shown", "figure": float(frames)},
        {
            "what": "frames a second, encoded and read",
            "figure": frames / sum(one.reading_s for one in played),
        },
        {"what": "blocks of frames", "figure": float(blocks)},
        {"what": "tokens a block", "figure": tokens / blocks if blocks else None},
        {"what": "tokens a frame shown", "figure": tokens / frames},
        {
            "what": "kB of memory a frame shown",
            "figure": sum(one.memory_bytes for one in played) / frames / 1e3,
        },
        {"what": "MB on the device, most", "figure": max(one.device_bytes for one in played) / 1e6},
        {"what": "context tokens of an answer, recall", "figure": _context(played, "recall")},
        {"what": "context tokens of an answer, full", "figure": _context(played, "full")},
    )
    return Report("cost", (Column("what", "what"), Column("figure", "figure", ",.2f")), rows)


def summary(found: Mapping[str, Sequence[Played]]) -> Report:
    """One row for each setting that was tried."""
    columns = (
        Column("setting", "setting"),
        Column("questions", "questions", "d"),
        *(Column(name, name, ".1%") for name in ("full", "window", "recall")),
        Column("low", "recall from", ".1%"),
        Column("high", "to", ".1%"),
        Column("choice", "choice: recall", ".1%"),
        Column("at_8", "recall@8", ".0%"),
        Column("tokens", "tokens a frame", ".1f"),
        Column("fps", "frames/s", ".1f"),
    )
    rows = []
    for setting, played in found.items():
        asked = _asked(played)
        low, high = interval([one.asked for one in played], _figure("written", "recall"))
        frames = sum(one.frames for one in played)
        rows.append(
            {
                "setting": setting,
                "questions": len(asked),
                **{name: _figure("written", name)(asked) for name in ("full", "window", "recall")},
                "low": low,
                "high": high,
                "choice": _figure("likeliest", "recall")(asked),
                "at_8": _recall_at(RANKED)([each for each in asked if each.outside]),
                "tokens": sum(one.frame_tokens for one in played) / frames,
                "fps": frames / sum(one.reading_s for one in played),
            }
        )
    return Report("settings", columns, tuple(rows), ("All questions; interval of 95 % over streams.",))


def _asked(played: Iterable[Played]) -> list[Asked]:
    return [each for one in played for each in one.asked]


def _ages() -> tuple[str, ...]:
    edges = [f"{low} to {high} s" for low, high in zip((0, *AGES_S), AGES_S, strict=False)]
    return ("in the window", *edges, f"over {AGES_S[-1]} s")


def _age(asked: Asked) -> str:
    if not asked.outside:
        return _ages()[0]
    return _ages()[1 + sum(asked.age_us >= edge * US_PER_S for edge in AGES_S)]


def _grouped(
    asked: Sequence[Asked], key: Callable[[Asked], str], order: Sequence[str]
) -> dict[str, list[Asked]]:
    groups: dict[str, list[Asked]] = {name: [] for name in order}
    for each in asked:
        groups.setdefault(key(each), []).append(each)
    return {name: group for name, group in groups.items() if group}


def _figure(measure: str, condition: str) -> Figure:
    """The share of right answers; None where the measure applies to none."""

    def figure(asked: Sequence[Asked]) -> float | None:
        given = [each.given[condition] for each in asked]
        known = [each.right if measure == "written" else each.likeliest for each in given]
        applying = [right for right in known if right is not None]
        return mean(applying) if applying else None

    return figure


def _difference(measure: str, other: str) -> Figure:
    def figure(asked: Sequence[Asked]) -> float | None:
        one, two = _figure(measure, "recall")(asked), _figure(measure, other)(asked)
        return None if one is None or two is None else 100 * (one - two)

    return figure


def _recall_at(k: int) -> Figure:
    def figure(asked: Sequence[Asked]) -> float | None:
        places = [place for each in asked for place in each.ranks]
        return mean(place is not None and place <= k for place in places) if places else None

    return figure


def _context(played: Sequence[Played], condition: str) -> float | None:
    found = [each.given[condition].context_tokens for each in _asked(played)]
    return mean(found) if found else None
