"""What stands before a request, politely or as its reason: "Could you please", "I am waiting for a bus:"."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from streams.request_phrase.wording import GERUNDS, TELL
from streams.standing_request import MAX_REQUEST_CHARS


@dataclass(frozen=True, slots=True)
class Opening:
    """The ``words`` of a sentence in lower case after its opening, and what that said.

    ``lasting``: from now on, always. ``watching``: to look first; ``looking``: to look once. ``watched`` has
    that, too, and then what is to be said.
    """

    words: str
    watched: str = ""
    lasting: bool = False
    watching: bool = False
    looking: bool = False


_LASTING = (
    r"from (?:now|here|this moment) on(?:wards?)?|in future|always|all the time|continuously|constantly"
)
_POLITE = re.compile(
    r"^(?:(?:and|but|so|then|now|okay|ok|alright|well|hey|hi|hello|please|also|just|yes|no(?=,)|actually|"
    r"wait(?=,)|excuse me|sorry(?=,)|"
    rf"(?P<lasting>{_LASTING})|streams|thanks|thank you|kindly|"
    r"if you (?:can|could|would|don't mind|please)(?=,)|"
    r"(?:can|could|would|will) you(?: please)?(?! mind)|"
    r"(?:i want|i'd like|i would like|i need) you to|(?:you can|you may|you should|you must)|"
    r"be sure to|(?:make|be) sure (?:to|that you|you)|remember to|(?:don't|do not|never) forget to|try to|"
    r"be so (?:kind|good) as to|be (?:kind|good) enough to|go on and|"
    r"do(?= (?:tell|let|warn|alert|give|say|call)\b))\b[,:]? *)"
)
_GERUND = re.compile(
    r"^(?:(?P<lasting>keep(?: on)?|go on|carry on|continue|start|begin)|(?:would|do) you mind|how about) "
    rf"(?P<verb>{'|'.join(GERUNDS)})\b"
)
_TO_BEGIN = re.compile(r"^(?:start|begin|continue) to (?=\w)")

_SPOKEN = re.compile(r"\b(?:said|says|say|told|tells|asked|asks|wrote|writes|means?|called)\b")
_REASON = re.compile(
    r"^(?P<reason>[^:]+?)(?:: | [-\u2013\u2014] |\u2014)(?P<request>.+)$|"
    r"^(?P<state>(?:i|we)(?:'m| am|'re| are| cannot| can't| have|'ve|'ll| will| need| want| must| expect)\b"
    r"[^,:]*?)"
    rf"(?:,|,? so)(?: so| and| then| please)* (?P<then>(?:{TELL}|describe|narrate|name)\b.+)$"
)
_WATCH = re.compile(
    r"^(?P<watch>(?:(?P<once>look|check|see|read)|watch|observe|listen|monitor|follow|stay|wait|guard|mind|"
    r"keep (?:watching|looking|listening|watch|an eye)|be my eyes|pay attention)\b[^,:]*?)"
    r"(?:,|,? and)(?: then| please)* (?P<request>.+)$"
)
_REQUEST = re.compile(rf"(?:{TELL}|describe)\b")


def open_up(sentence: str) -> Opening:
    """Take the opening off ``sentence``, which is looked at as far as a request may be long."""
    sentence = sentence[:MAX_REQUEST_CHARS]  # the work grows with the square of the length
    plain = " ".join(sentence.lower().replace("\u2019", "'").rstrip(".!?; ").split())
    opening = _politely(Opening(plain))
    if (match := _REASON.match(opening.words)) and not _SPOKEN.search(match["reason"] or match["state"]):
        opening = _politely(replace(opening, words=match["request"] or match["then"]))
    elif (match := _WATCH.match(opening.words)) and _REQUEST.match(match["request"]):
        once = match["once"] is not None
        opening = replace(opening, words=match["request"], watched=opening.words, watching=True, looking=once)
    return opening


def _politely(opening: Opening) -> Opening:
    words, lasting = opening.words, opening.lasting
    while match := _POLITE.match(words):
        words, lasting = words[match.end() :], lasting or match["lasting"] is not None
    if match := _GERUND.match(words):
        verb = GERUNDS[match["verb"]]
        words = verb + words[match.end() :]
        lasting = lasting or (match["lasting"] is not None and verb not in ("watch", "look", "listen"))
    elif match := _TO_BEGIN.match(words):
        words, lasting = words[match.end() :], True
    words = words.removesuffix(" please").rstrip(",")
    return replace(opening, words=words, lasting=lasting)
