"""Phrases of English that ask to be told something later, or no more: "tell me when the kettle boils"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from streams.standing_request import RequestKind, StandingRequest


@dataclass(frozen=True, slots=True)
class Wish:
    """Something to speak up about; ``text`` is the sentence that asks for it."""

    kind: RequestKind
    text: str
    repeats: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """Something not to speak up about any more; ``about`` are the words that say of what, if any do."""

    about: frozenset[str]
    kind: RequestKind | None = None


_SENTENCE = re.compile(r"[^.!?;]+[.!?;]*")
_LEAD = re.compile(
    r"^(?:(?:and|but|so|then|now|okay|ok|alright|well|hey|hi|hello|please|also|just|yes|no(?=,)|actually|"
    r"from now on|in future|from here on|streams|thanks|thank you|"
    r"(?:can|could|would|will) you(?: please)?|"
    r"(?:i want|i'd like|i would like|i need) you to|(?:you can|you may|you should)|"
    r"be sure to|make sure to|remember to|always|go on and)\b[,:]?\s*)+"
)

_TELL = (
    r"(?:(?:tell|warn|alert|notify|inform|ping|call|text)(?: me| us)?|let (?:me|us) know|remind (?:me|us)|"
    r"give (?:me|us) (?:a |an )?(?:shout|heads[- ]up|signal|warning|alert|sign|note)|"
    r"say (?:so|something|\w+)|shout|speak up|sing out|announce(?: it)?|call (?:it )?out|wake me(?: up)?)"
)
_AGAIN = r"(?:whenever|every ?time(?: that)?|each time(?: that)?|any ?time(?: that)?|as often as)"
_ONCE = (
    r"(?:when|if|once|as soon as|the moment(?: that)?|the minute(?: that)?|the next time(?: that)?|"
    r"the first time(?: that)?|in case|should)"
)
_REQUEST = re.compile(
    rf"^{_TELL}(?: right away| at once| immediately| aloud)?,? (?:please )?"
    rf"(?P<how>{_AGAIN}|{_ONCE}) (?P<what>.+)"
)
_REQUEST_AFTER = re.compile(
    rf"^(?P<how>{_AGAIN}|{_ONCE}) (?P<what>.+?),? (?:then )?(?:please )?(?:always )?{_TELL}"
    r"(?: please| about it| right away| at once| immediately)*$"
)
_LOOK_OUT = re.compile(
    r"^(?:watch(?: out)?|look out|keep (?:an eye|a look-?out|watch)|keep watching|wait|listen)"
    r"(?: out)? (?:for|on) (?P<what>.+)"
)
_AND_TELL = re.compile(rf"\band (?:then )?{_TELL}\b")

_ALIVE = (
    r"(?:as (?:it|they|things?|this|that|something|anything|events?) "
    r"(?:changes?|happens?|unfolds?|goes|go|moves?|comes?|appears?)(?: on| along| in| by)?|"
    r"as you (?:go|see it|watch)|while you (?:watch|look)|"
    r"continuously|continually|constantly|all the time|the whole time|live|on and on|from now on|"
    r"whenever (?:it|something|anything|that|the \w+) (?:changes?|happens?|is new)|"
    r"when (?:it|something|anything) changes|"
    r"step by step|in real time)"
)
_SEEN = (
    r"(?:what|whatever|everything|anything|all|the (?:scene|picture|video|view|room|street|action)|it|this)"
)
_NARRATIONS = (
    re.compile(
        rf"^(?:describe|tell (?:me|us)|say|report|comment(?: on)?) (?:to me |me |us )?{_SEEN}\b.*\b{_ALIVE}"
    ),
    re.compile(r"^(?:narrate|commentate|comment)\b(?! on (?:that|this|the last))"),
    re.compile(
        r"^(?:keep|go on|carry on|continue) (?:describing|narrating|commenting|commentating|"
        r"telling (?:me|us) what)"
    ),
    re.compile(r"^keep (?:me|us) (?:posted|updated|up to date|informed)"),
    re.compile(r"^(?:talk|walk|guide|take) (?:me|us) through\b(?!.*\b(?:again|yesterday|earlier|last)\b)"),
    re.compile(r"^(?:give|do|start|provide) .*\b(?:running |live )?(?:commentary|narration)\b"),
    re.compile(r"^(?:start|begin) (?:describing|narrating|commenting|commentating|to describe|to narrate)"),
)

_STOP = re.compile(
    r"^(?:stop|quit|cease|"
    r"(?:you )?(?:don't|do not|dont|needn't|need not|don't have to|no longer have to)|no need to|"
    r"never mind|forget|forget about|cancel|no more|enough(?: of)?|that's enough(?: of)?|end|drop|"
    r"that will do with)"
    r"(?: to| need to| about)? ?(?P<rest>.*)"
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

_PAST_AUX = re.compile(
    r"\b(?:was|were|did|had|used to|yesterday|earlier|ago|last (?:night|week|time|year)|before)\b"
)
_PAST_VERB = re.compile(
    r"^(?:(?:i|you|we|he|she|it|they|there|somebody|someone|anybody|anyone|something|"
    r"(?:the|a|an|my|your|our|his|her|that|this|any|some)(?: \w+){1,3}?|\w+) )"
    r"(?:first |last |just |already )?"
    r"(?:saw|came|went|left|got|took|began|ran|sat|stood|fell|told|said|spoke|heard|made|gave|broke|"
    r"rang|ate|drank|flew|drove|lost|found|put|knew|thought|did|appeared|arrived|entered|opened|closed|"
    r"started|stopped|ended|happened|changed|moved|turned|walked|looked|passed|asked|called|noticed|"
    r"jumped|showed|disappeared|visited|finished|fed|wore|wrote|brought|bought|met|won|slept|woke|held|kept|threw|caught)\b"
)
_ALREADY = re.compile(
    r"^(?:you|we|i|he|she|they)(?:'ve| have| has)\b.*\b(?:seen|been|heard|met|had|noticed|said)\b"
)
_BARE_STATE = re.compile(
    r"^(?:the|my|our|your|his|her|next|this|that)\b[\w' -]*\b(?:is|are|was|were|starts|begins)$"
)
_IS_IT = re.compile(
    r"^(?:(?:the|my|our|your|his|her|this|that|it|he|she|they|there|these|those)\b[\w' -]*?)\b"
    r"(?:is|are|'s|'re)\b(?! (?:about to|going to|ever|getting))"
)

_OF_THE_PAST = re.compile(
    r"\b(?:again|back|returns?|same|another|more|other|else|still|as before|like before)\b"
)

_EMPTY = frozenset(
    re.findall(
        r"\w+",
        "a an the me us you i it is are be to of on in at for and or that this there any anything something "
        "more about when if whenever once time every each see know now again anymore longer my your what "
        "one ones some please out eye let tell alert warn appears comes happens happening",
    )
)


def recognise(text: str) -> Wish | Stop | None:
    """What ``text``, said or typed by a user, asks about speaking up; the first that it asks.

    By patterns: what comes after "tell me when" in the present or perfect is waited for, in the past it is
    a question ("Tell me when you saw the dog."). Precision and recall are measured in the tests.
    """
    for sentence in _SENTENCE.findall(text):
        if found := _of_sentence(sentence.strip()):
            return found
    return None


def _of_sentence(sentence: str) -> Wish | Stop | None:
    plain = " ".join(sentence.lower().replace("\u2019", "'").rstrip(".!?; ").split())
    words = _LEAD.sub("", plain).removesuffix(" please").rstrip(",")
    if match := _STOP.match(words):
        return _stop(match["rest"])
    if any(pattern.match(words) for pattern in _NARRATIONS):
        return Wish("narration", sentence, repeats=True)
    if match := _REQUEST.match(words) or _REQUEST_AFTER.match(words):
        how, what = match["how"], match["what"]
        if _asks_now(how, what, mild=words.startswith(("tell", "say"))):
            return None
        return Wish("alert", sentence, repeats=bool(re.match(_AGAIN, how)))
    match = _LOOK_OUT.match(words)
    if (
        match
        and not _PAST_AUX.search(match["what"])
        and (_AND_TELL.search(words) or not words.startswith("wait"))
    ):
        return Wish("alert", sentence, repeats=bool(re.search(_AGAIN, words)))
    return None


def _asks_now(how: str, what: str, *, mild: bool) -> bool:
    """Whether it is a question about what was, or is: "if" asks what is unless to warn was asked."""
    condition = re.split(rf",? \band {_TELL}", what)[0]
    if _PAST_VERB.match(condition) or _ALREADY.match(condition) or _BARE_STATE.match(condition):
        return True
    if _PAST_AUX.search(condition):
        return True
    return how == "if" and mild and bool(_IS_IT.match(condition))


def _stop(rest: str) -> Stop | None:
    rest = rest.strip()
    if match := _NARRATED.match(rest):
        return Stop(frozenset(), "narration")
    if match := _TOLD.match(rest):
        about = content_words(rest[match.end() :])
        verb_alone = match[0] in ("tell", "let", "watch", "call out", "alert", "warn", "inform", "remind")
        if verb_alone and not _NEVER_MORE.search(rest):
            return None
        return Stop(about)
    return None


def of_the_past(text: str) -> bool:
    """Whether a request speaks of what was: "tell me when the cat comes back"."""
    return _OF_THE_PAST.search(text.lower()) is not None


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
