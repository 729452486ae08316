"""Text as it should be read aloud: what is for the eye goes, what Hibari's normaliser misreads is spelled.

Its normaliser reads plain numbers, money, dates, units, titles and clock times well; only the rest is
handled here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

_CODE_FENCE = re.compile(r"```\w*\n?")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)\s]*\)")
_URL = re.compile(r"https?://(?:www\.)?([^\s/?#]+)(?:[/?#][^\s)\]]*)?(?<![.,;:!])")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)#*\s*$", re.MULTILINE)
_BULLET = re.compile(r"^[-*•‣▪]\s+")
_RULE = re.compile(r"^\s*(?:[-*_=]\s*){3,}$", re.MULTILINE)
_QUOTE = re.compile(r"^\s*>\s?", re.MULTILINE)
_EMPHASIS = re.compile(r"(?<!\w)(\*{1,3}|_{1,3}|~~)(?=\S)(.+?)(?<=\S)\1(?!\w)")
_LEFT_OVER = re.compile(r"[*`\\]+")
# Dingbats, arrows and pictographs, with the selectors, tags and joiners that build one out of several.
_PICTOGRAPH = re.compile(
    "[\u200d\u20e3\u2190-\u21ff\u2300-\u23ff\u2500-\u27bf\u2b00-\u2bff\ufe0e\ufe0f"
    "\U0001f000-\U0001faff\U000e0020-\U000e007f]+"
)
_ARROW = re.compile(r"\s*(?:<?[-=]+>|→|⇒)\s*")
# A position in a video: in brackets, with a leading zero, or with three fields; not a clock's "10:30 am".
_POSITION = re.compile(r"(?:\[(\d{1,3}:)?(\d{1,2}):(\d{2})\])|(?<![\d:])(\d{1,3}:)?(\d{2}):(\d{2})(?![\d:])")
_CLOCK_HALF = re.compile(r"\s?[AaPp]\.?[Mm]\b")

_Replacement = str | Callable[[re.Match[str]], str]
_READINGS: tuple[tuple[re.Pattern[str], _Replacement], ...] = (
    (re.compile(r"\be\.g\.,?(?=\s)"), "for example,"),
    (re.compile(r"\bi\.e\.,?(?=\s)"), "that is,"),
    (re.compile(r"\b(No|Nos)\.\s?(?=\d)"), lambda m: "number " if m[1] == "No" else "numbers "),
    (re.compile(r"(?<=\d)\s?m/s\b"), " meters per second"),
    (re.compile(r"(?<![\w.])1\s?m\b(?!/|')"), "1 meter"),
    (re.compile(r"(?<=\d)\s?m\b(?!/|')"), " meters"),
    (re.compile(r"(?<!\w)[~≈]\s?(?=\d)"), "about "),
    (re.compile(r"\b(\d+)'(\d{1,2})(?:\"|″)"), r"\1 feet \2"),
    (re.compile(r"(?<=\d)\s?[x×]\s?(?=\d)"), " by "),
    (re.compile(r"(?<=\d)x\b"), " times"),
    (re.compile(r"(?<=\d)\s\*\s(?=\d)"), " times "),
)


def _position(match: re.Match[str]) -> str:
    hours, minutes, seconds = match.group(1, 2, 3) if match[3] else match.group(4, 5, 6)
    clock = not match[3] and not hours and not minutes.startswith("0")
    if clock or int(seconds) > 59 or _CLOCK_HALF.match(match.string, match.end()):
        return match[0]
    counts = {"hour": int((hours or "0").rstrip(":")), "minute": int(minutes), "second": int(seconds)}
    parts = [f"{n} {unit}{'' if n == 1 else 's'}" for unit, n in counts.items() if n]
    return " ".join(parts) or "0 seconds"


def _end_lines(text: str) -> str:
    """Lines as sentences: after a heading, an item or a verse comes a stop, in a wrapped line not."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    ended = [
        line if line[-1] in ".!?…,;:" or nxt[0].islower() else f"{line}." for line, nxt in pairwise(lines)
    ]
    return " ".join(_BULLET.sub("", line) for line in ended + lines[-1:])


def spoken(text: str) -> str:
    """``text`` without Markdown, HTML tags, links and pictographs, times and abbreviations in words.

    A position such as "[02:13]", "02:13" or "1:02:13" becomes "2 minutes 13 seconds"; "10:30" stays a
    time of day.
    """
    text = _CODE_FENCE.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _URL.sub(r"\1", text)
    text = _TAG.sub("", text)
    text = _QUOTE.sub("", _RULE.sub("", text))
    text = _end_lines(_HEADING.sub(r"\1", text))
    text = _ARROW.sub(" to ", text)
    text = _POSITION.sub(_position, text)
    text = _EMPHASIS.sub(r"\2", text)
    text = _PICTOGRAPH.sub(" ", text)
    for pattern, reading in _READINGS:
        text = pattern.sub(reading, text)
    text = _LEFT_OVER.sub("", text)
    return re.sub(r"\s+", " ", text).strip()
