"""Whether what stands after "when" is waited for or asked about: "tell me when the bus left" asks."""

from __future__ import annotations

import re

from streams.request_phrase.wording import TELL, one_of

_PAST_AUX = re.compile(
    r"\b(?:was|were|did|had|used to|yesterday|earlier|ago|last (?:night|week|time|year)|before)\b"
)
_NO_AUX = r"(?!(?:is|are|be|been|being|has|have|gets?|got|becomes?|looks?|seems?|that|which|who)\b)[\w'-]+"
_DETERMINER = one_of(
    "the", "a", "an", "my", "your", "our", "his", "her", "its", "their", "this", "that", "any", "some",
    "each", "every", "no", "another",
)  # fmt: skip
_SUBJECT = one_of(
    "i", "you", "we", "he", "she", "it", "they", "there", "somebody", "someone", "anybody", "anyone",
    "something", rf"{_DETERMINER}(?: {_NO_AUX}){{1,3}}?", _NO_AUX,
)  # fmt: skip
_PARTICIPLE = r"(?:dressed|named|covered|marked|labell?ed|filled|shaped|painted|titled|wrapped|armed|loaded)"
"""Of what comes rather than what came: "a man dressed in black"."""
_PAST_VERB = re.compile(
    rf"^{_SUBJECT} (?:first |last |just |already )?"
    r"(?:saw|came|went|left|got|took|began|ran|sat|stood|fell|told|said|spoke|heard|made|gave|broke|"
    r"rang|ate|drank|flew|drove|lost|found|put|knew|thought|fed|wore|wrote|brought|bought|met|won|slept|woke|"
    r"held|kept|threw|caught|became|built|sent|sold|taught|"
    rf"(?!{_PARTICIPLE})\w{{2,}}(?<!e)ed(?= (?:{_DETERMINER}|it|him|them|me|us|in|on|at|to|from|into|off|out|"
    r"up|down|away|by|for|with|back|here|there|over)\b|$))\b|"
    rf"^(?!(?:{_DETERMINER}|something|anything|people)\b){_NO_AUX} (?!{_PARTICIPLE})\w{{3,}}(?<!e)ed\b"
)
_PERFECT = re.compile(
    r"^(?:you|we|i|he|she|they)(?:'ve| have| has)\b.*\b(?:seen|been|heard|met|had|noticed|said)\b"
)
_BARE_STATE = re.compile(
    r"^[\w' -]+ (?:is|are)"
    r"(?: (?:(?:on |this |next )*(?:year|month|week|today|tomorrow|held|scheduled|planned)))?$|"
    r"^(?:the|my|our|your|his|her|next|this|that)\b[\w' -]*\b(?:starts|begins)$"
)
_FUTURE = re.compile(rf"^(?:{_NO_AUX} ){{1,5}}?(?:will|shall|would|should|must|might)\b|^\w+'ll\b")
_IS_IT = re.compile(
    r"^(?:(?:the|my|our|your|his|her|this|that|it|he|she|they|there|these|those|i|you|we)\b[\w' -]*?)"
    r"(?:\b(?:is|are|am|can)|'s|'re|'m)\b(?! (?:about to|going to|ever|getting))"
)
_OF_THE_LISTENER = re.compile(
    r"^(?:you|we|i)(?:'re|'m)? (?:(?:do|don't|are|am|aren't|can't|cannot|can|could|ever|not|really|also) )*"
    r"(?:know|remember|think|believe|understand|want|like|agree|disagree|mean|prefer|wish|care|ready|done|"
    r"finished|sure|certain|able|wrong|right|correct|"
    r"(?:can|could|would)(?! (?:see|hear|read|spot|notice))|have (?:time|questions?|any|a|more|some))\b"
)
_NO_EVENT = re.compile(
    r"^(?:to|and|or|not|so|possible|necessary|exactly|more|again|upon|for|ready|needed|"
    r"there(?:'s| are| is) (?:any |more |some )?questions?)\b"
)

_OF_A_PLAN = re.compile(
    r"^(?:that|this|it)(?: is|'s) (?:possible|ok|okay|right|correct|true|fine|enough|a problem)\b"
)

_OF_THE_PAST = re.compile(
    r"\b(?:again|back|returns?|same|another|more|other|else|still|as before|like before)\b"
)
_NEVER = (_NO_EVENT, _PAST_VERB, _PERFECT, _FUTURE, _OF_THE_LISTENER, _OF_A_PLAN)


def asks_now(how: str, what: str, *, mild: bool) -> bool:
    """Whether ``how`` and ``what`` ("when", "the cat came") ask what was, is or will be, and do not wait.

    English waits in the present or the perfect. "If" asks what is unless to warn was asked, for which
    ``mild`` is false.
    """
    condition = re.split(rf",? \band {TELL}", what)[0]
    if any(pattern.match(condition) for pattern in _NEVER) or of_what_was(condition):
        return True
    if how in ("when", "if") and _BARE_STATE.match(condition):
        return True  # Nobody asks "as soon as the concert starts".
    return how == "if" and mild and _IS_IT.match(condition) is not None


def of_what_was(text: str) -> bool:
    """Whether ``text`` has an auxiliary or an adverb of the past."""
    return _PAST_AUX.search(text) is not None


def of_the_past(text: str) -> bool:
    """Whether a request speaks of what was: "tell me when the cat comes back"."""
    return _OF_THE_PAST.search(text.lower()) is not None
