"""Phrases of English questions about what is in view now, which need no memory."""

from __future__ import annotations

import re

_NOW = r"(?:now|right now|currently|at (?:present|the moment|this moment)|current)"
_SIGHT = r"(?:see|seen|visible|view|camera|frame|picture|screen|show|shown|shows|looking|front)"
_PRESENT = re.compile(
    rf"\b{_NOW}\b.*\b{_SIGHT}\b|\b{_SIGHT}\b.*\b{_NOW}\b"
    r"|\b(?:do|can) you see\b|\bare you (?:looking at|seeing)\b"
    r"|\b(?:is|are) (?:visible|in view|in front of you|on screen|before the camera)\b"
    r"|\bwhat(?: is|'s) (?:this|that|here|in front of you|in view|on screen)\b"
    r"|\bdoes the camera show\b"
)
_ELSEWHEN = re.compile(
    r"\b(?:did|was|were|had|have|has|saw|earlier|before(?! the camera)|after|first|last|ago|ever|again|yet|"
    r"still|since|when|whenever|until|remember|recall|compare|same|than|different|changed?|say|said|says|told|"
    r"heard|mentioned)\b"
)


def asks_of_now(text: str) -> bool:
    """Whether ``text`` (lower case, single spaces) asks for nothing but what is in view."""
    return _PRESENT.search(text) is not None and _ELSEWHEN.search(text) is None
