"""What asks to be told all that is new: "describe what you see as it changes"."""

from __future__ import annotations

import re

from streams.request_phrase.condition import of_what_was
from streams.request_phrase.opening import Opening
from streams.request_phrase.wording import (
    AGAIN,
    ALIVE,
    DESCRIBE,
    EACH,
    HAPPENS,
    INDEFINITE,
    ME,
    ONCE,
    SCENE,
    VIEW,
)

_ANNOUNCE = (
    rf"(?:report|announce|describe|call out|comment on|narrate|point out|name|tell {ME}(?: about| of)?|say)"
)
_FOR_ME = rf"(?: (?:to|for) {ME})?"
_LIVING = re.compile(rf"^{DESCRIBE} (?:to {ME} |{ME} )?(?:{VIEW}|{SCENE})\b.*\b{ALIVE}")
_LASTING = re.compile(rf"^{DESCRIBE}(?: {VIEW}\b| {SCENE}\b|$)")
_LASTING_TOLD = re.compile(rf"^(?:tell {ME}|say|report|announce) (?:{VIEW})\b")
_COMING = re.compile(rf"^(?:tell {ME}|say|report|describe) (?:everything|all|{HAPPENS})")
_PLAIN = re.compile(r"^(?:narrate|commentate|comment)\b(?! on (?:that|this|the last))")
_EACH_CHANGE = re.compile(
    rf"^{_ANNOUNCE}{_FOR_ME} (?:{EACH}|all) (?:\w+ )?"
    r"(?:changes?|new (?:thing|object|scene|sight|picture|person)s?)\b"
    r"(?!.*\b(?:i|you|we|they) (?!(?:can )?(?:see|notice|hear|spot)\b)\w)"
)
_ALL_NEW = re.compile(rf"^{_ANNOUNCE}{_FOR_ME} (?!what){HAPPENS}(?!.*\babout\b)")
_ALL_SEEN = re.compile(
    rf"^(?:describe|comment on|narrate|report|announce|call out){_FOR_ME} "
    r"(?:everything|all)(?: that)? you (?:can )?(?:see|notice|hear)(?: as \w+ \w+)?$"
)
_WHENEVER = re.compile(
    rf"^(?:{AGAIN}|when|as soon as) {INDEFINITE},? (?:please )?(?:tell {ME}|say|describe|report)"
    r"(?: (?:what|which|who|where)\b.*| it)$"
)
_OTHERS = (
    re.compile(r"^keep (?:me|us) (?:posted|updated|up to date|informed|in the loop)"),
    re.compile(r"^(?:talk|walk|guide|take) (?:me|us) through\b(?!.*\b(?:again|yesterday|earlier|last)\b)"),
    re.compile(r"^(?:give|do|start|provide) .*\b(?:running |live )?(?:commentary|narration)\b"),
)


def asks_to_narrate(opening: Opening) -> bool:
    words = opening.words
    if any(pattern.match(words) for pattern in (_LIVING, _PLAIN, *_OTHERS)):
        return True
    if opening.lasting and (_LASTING_TOLD.match(words) or _lasting(words)):
        return True
    if of_what_was(words):
        return False
    if opening.watching and _COMING.match(words):
        return True
    return any(pattern.match(words) for pattern in (_EACH_CHANGE, _ALL_NEW, _ALL_SEEN, _WHENEVER))


def _lasting(words: str) -> bool:
    """Whether a description that is to go on is one of what is seen: not "tell me the story"."""
    told = words.startswith(("tell", "say", "report", "name", "call", "announce"))
    conditioned = re.search(rf"\b(?:{AGAIN}|{ONCE}|upon|at the)\b", words) is not None
    return not told and not conditioned and _LASTING.match(words) is not None
