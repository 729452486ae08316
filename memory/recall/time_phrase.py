"""Phrases of English questions that say when: "in the last ten minutes", "an hour ago", "since 12:30"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from memory.recall.duration import DURATION, NUMBERED, parse_duration_us
from streams.types import US_PER_S

Span: TypeAlias = tuple[int | None, int | None]
"""From when to when in microseconds; None: open on that side."""

ALWAYS: Span = (None, None)

AGO_SHARE = 1 / 3
"""How far off a time "ago" may be, as part of it: people misjudge how long ago something was."""

AGO_AT_LEAST_US = 45 * US_PER_S
EXACT_US, ROUGH_US = 15 * US_PER_S, 60 * US_PER_S
"""How far off a time of the clock may be that is given as such, and one with "around" before it."""

_CLOCK = r"\d{1,2}:[0-5]\d(?::[0-5]\d)?(?![\d:]| ?[ap]\.?m\b| o'clock)"
# "The last minute of the match" has a time of its own, and a "last minute's notice" none.
_WHOLE = r"\b(?! of\b(?! (?:the |this |our )?(?:session|stream|conversation|recording)\b))(?!['-])"
_DURING = r"(?:in|within|during|over|for|from|summari[sz]e|recap|describe) the"

_LAST = re.compile(
    rf"(?:\b{_DURING} (?:last|past) (?P<any>{DURATION})"
    rf"|(?<!at )\bthe (?:last|past) (?P<numbered>{NUMBERED})){_WHOLE}"
)
_FIRST = re.compile(rf"\b{_DURING} first (?P<length>{DURATION}){_WHOLE}")
_AGO = re.compile(
    r"\b(?:(?P<newer>less than|under|within|since|after|from|not? more than|at most|later than) "
    r"|(?P<older>more than|over|at least|longer than|earlier than|before|until) )?"
    rf"(?:(?:about|around|roughly|some|maybe|exactly) )*(?P<length>{NUMBERED}) ago\b"
)
_BETWEEN = re.compile(
    rf"\b(?:between (?P<low>{_CLOCK}) and|from (?P<begin>{_CLOCK}) (?:to|until|till)) (?P<high>{_CLOCK})"
)
_SINCE = re.compile(rf"\b(?:since|after|from) (?P<at>{_CLOCK})(?: on(?:wards?)?\b)?")
_UNTIL = re.compile(rf"\b(?:until|till|before|up to) (?P<at>{_CLOCK})")
_AT = re.compile(rf"\b(?:(?P<rough>(?:at )?(?:around|about))|at|as of) (?P<at>{_CLOCK})")

_FILLER = re.compile(
    r"(?:\b(?:and|so|but|then|now|okay|ok|well|hey|please|hi|um|uh|also|just|only|or)\b|\W)*"
)
_ASKS = re.compile(
    r"(?:(?:can|could|would|will) you (?:please )?)?"
    r"(?:(?:in |at |to |of |for |with )?(?:what|when|where|who|whom|whose|which|why|how)"
    r"|did|do|does|was|were|have|has|had|is|are|tell|show|list|name|describe|summari[sz]e|recap|recall|remind|repeat|find|give|any\w*)\b"
)
_OF_THE_PAST = re.compile(
    r"\b(?:did|have|had|has|was|were|happened|changed|appeared|saw|said|heard|told|showed|seen|anything new|"
    r"what's new|what is new|summari[sz]e|recap)\b"
)
_TOPIC = re.compile(
    r"\b(?:about|meetings?|appointment|train|bus|flight|plane|call|lunch|dinner|alarm|class|lecture|film|movie|show|"
    r"game|match|leav(?:e|es|ing)|arriv(?:e|es|ing)|start(?:s|ing)?|open(?:s|ing)?|clos(?:e|es|ing)|due|meet|be|"
    r"will|would|should)\b"
)
"""Before a time of the clock these make it part of what was said rather than when it was."""


def find_span(text: str, now_us: int) -> Span:
    """The time that ``text`` (lower case, single spaces) asks about, which is asked at ``now_us``.

    Only clauses that ask, or hold nothing but a time, count: "I came five minutes ago, what is this?" says
    nothing of when. Times of the clock are those of the session as its blocks bear them (MM:SS, H:MM:SS), and
    count only where the past is asked about. Of two times only a beginning and an end go together.
    """
    spans = [span for clause in _clauses(text) for span in _spans_of(clause, text, now_us)]
    if len(spans) == 1:
        return spans[0]
    if len(spans) == 2:
        (low, end), (start, high) = sorted(spans, key=lambda span: span[0] is None)
        if end is None and start is None and low is not None and high is not None and low <= high:
            return low, high
    return ALWAYS


def _clauses(text: str) -> list[str]:
    return [clause for clause in re.split(r"[.!?;,]+(?: |$)", text) if clause]


def _spans_of(clause: str, text: str, now_us: int) -> list[Span]:
    """What the phrases of ``clause``, a part of ``text``, say; each is cut out before the next is sought."""
    spans: list[Span] = []
    for pattern, read, is_clock in _PHRASES:
        while (match := pattern.search(clause)) is not None:
            if is_clock and (_TOPIC.search(clause, 0, match.start()) or not _OF_THE_PAST.search(text)):
                return []
            spans += read(match, now_us)
            clause = f"{clause[: match.start()]} {clause[match.end() :]}"
    rest = _FILLER.sub("", clause, count=1)
    return spans if not rest or _ASKS.match(rest) else []


def _read_last(match: re.Match[str], now_us: int) -> Iterator[Span]:
    start_us = now_us - parse_duration_us(match["any"] or match["numbered"])
    if start_us > 0:
        yield start_us, None


def _read_first(match: re.Match[str], now_us: int) -> Iterator[Span]:
    end_us = parse_duration_us(match["length"])
    if end_us < now_us:
        yield None, end_us


def _read_ago(match: re.Match[str], now_us: int) -> Iterator[Span]:
    if match["length"] in ("a second", "a sec"):
        return  # A manner of speaking.
    ago_us = parse_duration_us(match["length"])
    at_us = now_us - ago_us
    about_us = max(round(AGO_SHARE * ago_us), AGO_AT_LEAST_US)
    if at_us + about_us < 0:
        return  # Before the session: not about what it remembers.
    if match["newer"]:
        yield max(at_us, 0), None
    elif match["older"]:
        yield None, max(at_us, 0)
    else:
        yield max(at_us - about_us, 0), min(at_us + about_us, now_us)


def _read_between(match: re.Match[str], now_us: int) -> Iterator[Span]:
    low_us, high_us = _clock_us(match["low"] or match["begin"]), _clock_us(match["high"])
    if low_us is not None and high_us is not None and low_us <= min(high_us, now_us):
        yield low_us, high_us + US_PER_S


def _read_since(match: re.Match[str], now_us: int) -> Iterator[Span]:
    at_us = _clock_us(match["at"])
    if at_us is not None and at_us <= now_us:
        yield at_us, None


def _read_until(match: re.Match[str], now_us: int) -> Iterator[Span]:
    at_us = _clock_us(match["at"])
    if at_us is not None and at_us <= now_us:
        yield None, at_us


def _read_at(match: re.Match[str], now_us: int) -> Iterator[Span]:
    at_us = _clock_us(match["at"])
    about_us = ROUGH_US if match["rough"] else EXACT_US
    if at_us is not None and at_us <= now_us:
        yield max(at_us - about_us, 0), at_us + about_us


def _clock_us(text: str) -> int | None:
    """``MM:SS`` or ``H:MM:SS`` in microseconds; None for what no block bears."""
    parts = [int(part) for part in text.split(":")]
    if parts[-2] > 59:
        return None
    seconds = 0
    for part in parts:
        seconds = seconds * 60 + part
    return seconds * US_PER_S


_PHRASES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], int], Iterator[Span]], bool], ...] = (
    (_LAST, _read_last, False),
    (_FIRST, _read_first, False),
    (_AGO, _read_ago, False),
    (_BETWEEN, _read_between, True),
    (_SINCE, _read_since, True),
    (_UNTIL, _read_until, True),
    (_AT, _read_at, True),
)
"""What to look for, how it is read, and whether it is a time of the clock."""
