"""Standing requests of held-out streams: when each was due, and when something was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, median

from streams.bench.bootstrap import interval
from streams.bench.report import Cell, Column, Report
from streams.text_score import holds
from streams.timeliness import LATE_US, matched
from streams.train.sample import Reply, Topic
from streams.types import US_PER_S
from streams.unasked_replies import UnaskedReply


@dataclass(frozen=True, slots=True)
class Waited:
    """One standing request: it stood for ``stood_us``, ``due`` were the replies, ``said`` what came.

    ``understood``: by its words alone a session would have taken it for what it is.
    """

    topic: Topic
    text: str
    understood: bool
    stood_us: int
    due: tuple[Reply, ...]
    said: tuple[UnaskedReply, ...]

    def matches(self) -> list[tuple[Reply, UnaskedReply]]:
        """Each reply that was due with what was said from then on, not above two seconds later."""
        pairs = matched([reply.at_us for reply in self.due], [said.at_us for said in self.said])
        return [(self.due[due], self.said[said]) for due, said in pairs]

    @property
    def early(self) -> int:
        """How much of what matches nothing was said in the two seconds before something was due."""
        met = {id(said) for _, said in self.matches()}
        return sum(
            any(0 < reply.at_us - said.at_us <= LATE_US for reply in self.due)
            for said in self.said
            if id(said) not in met
        )


def unasked(waited: Sequence[Waited], *, speaks: bool) -> Report:
    """``speaks``: the model was trained to tell when to speak."""
    columns = (
        Column("kind", "standing requests"),
        Column("requests", "requests", "d"),
        Column("due", "due", "d"),
        Column("said", "said", "d"),
        Column("precision", "precision", ".2f"),
        Column("recall", "recall", ".2f"),
        Column("f1", "F1", ".2f"),
        Column("low", "from", ".2f"),
        Column("high", "to", ".2f"),
        Column("delay_s", "delay s", ".1f"),
        Column("right", "right words", ".0%"),
        Column("false_alarms", "false alarms/h", ".1f"),
        Column("early", "early", "d"),
        Column("understood", "understood", ".0%"),
    )
    topics = [topic for topic in ("alert", "narration") if any(each.topic == topic for each in waited)]
    rows = [_row(topic, [each for each in waited if each.topic == topic]) for topic in topics]
    if len(rows) > 1:
        rows.append(_row("all", waited))
    notes = (
        "Precision: of what was said, within 2 s after it was due; recall: of what was due. Delay: median "
        "of these. Right words: an accepted wording is in what was said. False alarms: the rest, by hour in "
        "which a request stood; early: how many of these came within 2 s before something was due. "
        "Understood: its words are taken for a standing request where nobody says so.",
        *(() if speaks else ("This model was not trained to tell when to speak, and says nothing unasked.",)),
    )
    return Report("speaking up", columns, tuple(rows), notes)


def _row(kind: str, waited: Sequence[Waited]) -> dict[str, Cell]:
    matches = [pair for each in waited for pair in each.matches()]
    due, said = sum(len(each.due) for each in waited), sum(len(each.said) for each in waited)
    hours = sum(each.stood_us for each in waited) / US_PER_S / 3_600
    low, high = interval([[each] for each in waited], _f1)
    return {
        "kind": kind,
        "requests": len(waited),
        "due": due,
        "said": said,
        "precision": len(matches) / said if said else None,
        "recall": len(matches) / due if due else None,
        "f1": _f1(waited),
        "low": low,
        "high": high,
        "delay_s": median((b.at_us - a.at_us) / US_PER_S for a, b in matches) if matches else None,
        "right": mean(holds(b.text, (a.text, *a.accepted)) for a, b in matches) if matches else None,
        "false_alarms": (said - len(matches)) / hours if hours else None,
        "early": sum(each.early for each in waited),
        "understood": mean(each.understood for each in waited),
    }


def _f1(waited: Sequence[Waited]) -> float | None:
    """Of all together; None where nothing was due and nothing said."""
    total = sum(len(each.due) + len(each.said) for each in waited)
    return 2 * sum(len(each.matches()) for each in waited) / total if total else None
