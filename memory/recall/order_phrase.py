"""Phrases of English questions that say where in order: "first of all", "right before the cat"."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

from memory.recall.duration import DURATION

Order: TypeAlias = Literal["first", "around"]
"""What came first of all; or what came before or after something that is found by what it is."""

_DONE = (
    r"(?:see|saw|seen|shown|show|there|came|come|visible|hear|heard|say|said|appear\w*|happen\w*|told|tell)"
)
_THING = r"(?:thing|object|sight|picture|scene|image|frame|item|word|words)"
_FIRST = re.compile(
    rf"\b{_DONE}(?: \w+)?,? (?:very )?first(?= of all\b| ?[?.!]|$)"
    rf"|\b(?:the )?(?:very )?(?:first|earliest) {_THING}\b|\bfirst of all\b|\bearliest of all\b"
    r"|\b(?:at|in|from) the (?:very )?(?:start|beginning|outset)(?= ?[?.!,:]|$)|\bat first\b"
    r"|\bhow did (?:it|this|that|the \w+) (?:start|begin|open)\b|\b(?:to|did it) (?:begin|start) with\b"
    r"|\bwith what did\b.*\b(?:open|begin|start)\b"
)
_SPAN = re.compile(rf"\bfirst (?:{DURATION})")
_CHOICE = re.compile(r"\bor\b|\bbetween\b.*\band\b|\bof the\b.*\band the\b")
_AROUND = re.compile(
    r"\b(?:before(?! (?:the (?:camera|lens|eyes)|me|you|us)\b)|after|ahead of|behind|prior to|preced\w+|"
    r"succeed\w*|followed|following|came next|replaced|(?:took|taken) the place of|"
    r"once the \w+ (?:was|had) gone)\b"
)
_ELSE = re.compile(
    r"\b(?:before|after)(?= ?[?.!,]|$)"  # "Did you see a cat before?": at any time
    r"|\b(?:before|after) (?:about |around )?(?:\d|noon|midnight|all\b)"  # a time, which is read as one
    r"|\blook(?:s|ed|ing)? after\b|\bfollowing (?:me|you|him|her|us|them|it)\b"
)
"""Words of order that ask for none."""


def find_order(text: str) -> Order | None:
    """What ``text`` (lower case, single spaces) asks for by its place in the order of events, if it does.

    Which of two came first is asked of the two, and what came in the first minute of that minute.
    """
    if _FIRST.search(text) and not _SPAN.search(text) and not _CHOICE.search(text):
        return "first"
    if _AROUND.search(_ELSE.sub("", text)):
        return "around"
    return None
