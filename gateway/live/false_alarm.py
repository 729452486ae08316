"""Whether voice during a response interrupts it, by what was said."""

from __future__ import annotations

from speech.backchannel import is_backchannel
from speech.echo import repeats
from streams.events import FalseAlarm


def false_alarm(words: str, spoken: str) -> FalseAlarm | None:
    """Why ``words`` do not interrupt a response of which ``spoken`` was sent so far; None when they do."""
    if not words:
        return "noise"
    if repeats(words, spoken):
        return "echo"
    return "backchannel" if is_backchannel(words) else None
