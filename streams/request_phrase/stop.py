"""What asks to be told no more: "stop telling me about cars"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from streams.standing_request import RequestKind, StandingRequest


@dataclass(frozen=True, slots=True)
class Stop:
    """Something not to speak up about any more; ``about`` are the words that say of what, if any do."""

    about: frozenset[str]
    kind: RequestKind | None = None


_STOP = re.compile(
    r"^(?:stop|quit|cease|"
    r"(?:you )?(?:don't|do not|dont|needn't|need not|don't have to|no longer have to)|no need to|"
    r"never mind|forget|forget about|cancel|no more|enough(?: of)?|that's enough(?: of)?|end|drop|"
    r"that will do with)"
    r"(?: to| need to| about)? ?(?P<rest>.*)"
)
_MERE_STOP = re.compile(
    r"(?:(?:stop|quit)(?: it| this| that)?|(?:(?:that|this|it)(?:'s| is| will be) )?enough)(?: now| already)?"
)
_TOLD = re.compile(
    r"^(?:telling|tell|warning|warn|alerting|alert|notifying|notify|informing|inform|letting|let|"
    r"reminding|remind|pinging|ping|announcing|announce|calling out|watching|watch|"
    r"looking out|look out|keeping an eye|keep an eye|"
    r"(?:the |my |that |those |these |your |all )*(?:alerts?|alarms?|notifications?|warnings?|reminders?|"
    r"standing requests?|requests?))\b"
)
_NARRATED = re.compile(
    r"^(?:describing|describe|narrating|narrate|commenting|comment|commentating|commentate|"
    r"(?:the |your |that |this |all )*(?:commentary|narration|running commentary))\b"
)
_NEVER_MORE = re.compile(
    r"\b(?:any ?more|any longer|again|now|when|if|whenever|about|every ?time|each time)\b"
)

_EMPTY = frozenset(
    re.findall(
        r"\w+",
        "a an the me us you i it is are be to of on in at for and or that this there any anything something "
        "more about when if whenever once time every each see know now again anymore longer my your what "
        "one ones some please out eye let tell alert warn notify report appears comes happens happening upon "
        "sight sign visible moment instant soon",
    )
)


def is_stop(words: str) -> bool:
    """Whether ``words`` begin as what asks for no more does, of whatever."""
    return _STOP.match(words) is not None


def is_mere_stop(words: str) -> bool:
    """Whether ``words`` ask for no more without a word of what: "stop", "that's enough"."""
    return _MERE_STOP.fullmatch(words) is not None


def find_stop(words: str) -> Stop | None:
    """What ``words`` (lower case, without polite beginnings) ask not to be told any more."""
    match = _STOP.match(words)
    if match is None:
        return None
    rest = match["rest"].strip()
    if _NARRATED.match(rest):
        return Stop(frozenset(), "narration")
    if told := _TOLD.match(rest):
        about = content_words(rest[told.end() :])
        verb_alone = told[0] in ("tell", "let", "watch", "call out", "alert", "warn", "inform", "remind")
        if verb_alone and not _NEVER_MORE.search(rest):
            return None
        return Stop(about)
    return None


def content_words(text: str) -> frozenset[str]:
    """The words that say what a phrase is about, without plural endings."""
    found = re.findall(r"[a-z']+", text.lower().replace("\u2019", "'"))
    return frozenset(word.removesuffix("s") for word in found if word not in _EMPTY)


def stopped_by(stop: Stop, requests: Sequence[StandingRequest]) -> list[StandingRequest]:
    """Which of ``requests`` are not wanted any more: those that share a word; all when no word says which."""
    meant = [each for each in requests if stop.kind in (None, each.kind)]
    if not stop.about:
        return meant
    return [each for each in meant if stop.about & content_words(each.text)]
