"""Recognises sentences that ask to be told something later, or no more: "tell me when the kettle boils"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from streams.request_phrase.condition import asks_now, of_what_was
from streams.request_phrase.narration import asks_to_narrate
from streams.request_phrase.opening import Opening, open_up
from streams.request_phrase.sentence import sentences
from streams.request_phrase.stop import Stop, find_stop, is_mere_stop, is_stop
from streams.request_phrase.wording import (
    A_SIGNAL,
    ADDRESSED,
    AGAIN,
    ALOUD,
    EACH,
    HAPPENING,
    ME,
    ONCE,
    TELL,
    UPON,
    one_of,
)
from streams.standing_request import RequestKind


@dataclass(frozen=True, slots=True)
class Wish:
    """Something to speak up about; ``text`` is the sentence that asks for it."""

    kind: RequestKind
    text: str
    repeats: bool


_CONDITION = rf"(?:(?P<how>{AGAIN}|{ONCE}) (?P<what>.+?)|(?P<upon>{UPON}))"
_SOON = "right away|at once|immediately|straight away|aloud|out loud|loudly|only|just|even|please|again"
_AT_ONCE = rf"(?:,? (?:{_SOON}))*"
_REQUEST = re.compile(rf"^{TELL}{_AT_ONCE},? {_CONDITION}$")
_WANTED = re.compile(
    rf"^(?:(?:i|we)(?: want|'d like| would like|'d love| need| wish) "
    rf"(?:to (?:be (?:told|notified|informed|alerted|warned|pinged|called)|know|hear|get {A_SIGNAL})|"
    rf"{A_SIGNAL})|"
    rf"(?:can|could|may) (?:i|we) (?:get|have) {A_SIGNAL}){_AT_ONCE},? {_CONDITION}$"
)
_POLITE = (
    r"(?:then |please |just |always |do |kindly |(?:can|could|would|will) you |you (?:should|must|can|may) |"
    r"i (?:want|need) you to |i'd like you to )*"
)
_ABOUT = r"(?: (?:about|of) (?:it|that|this|them))?"
_DEICTIC = one_of(
    r"(?:what|which|who|where|how many)\b(?: \w+){0,2} (?:it|he|she|they|that|this|there|you)\b.*",
    r"(?:its|his|her|their) \w+",
)  # fmt: skip
"""What is to be told of something that comes: "what it is", "its colour"."""
_REQUEST_AFTER = re.compile(
    rf"^{_CONDITION}(?P<comma>,)? {_POLITE}"
    rf"(?P<tell>{TELL}{_ABOUT}|(?:tell|show) {ME} (?P<more>{_DEICTIC})){_AT_ONCE}$"
)
_SUBJECT = re.compile(
    r"\b(?:i|you|we|he|she|it|they|who|that|which|to|not|never|does|do|did|don't|doesn't|must|should|people)$"
)
_OF_EACH = re.compile(
    rf"^(?:(?:alert|notify|warn|ping|inform) {ME} (?:of|about|to)|report|announce|flag|call out|signal) "
    rf"(?P<what>{EACH} \w.*)"
)
_OF_ONE = re.compile(
    rf"^(?:(?:alert|notify|warn|ping) {ME} (?:of|about|to)|report|announce|flag|call out|signal) "
    rf"(?P<what>(?:(?:the (?:first|next)|an?) \w|(?:the )?{HAPPENING}\b).*)"
)
_LOOK_OUT = re.compile(
    r"^(?:watch(?: out)?|look out|keep (?:an eye|a look-?out|watch|watching|looking)|wait|listen|look|"
    r"(?:be|stay) (?:on the look-?out|alert))(?: out| open)? (?:for|on) (?P<what>.+)"
)
_AND_TELL = re.compile(rf"(?:\band |, )(?:then |please )*{one_of(ADDRESSED, ALOUD)}\b")
_NEEDS_TELL = ("wait", "look for")


def recognise(text: str, *, standing: bool = False) -> Wish | Stop | None:
    """What ``text``, said or typed by a user, asks about speaking up; the first that it asks. While something
    is ``standing``, a mere "Stop." is of its narration.

    By a grammar: a verb of telling and a condition, in either order, or something to look out for, after what
    one begins with for politeness. What is waited for stands in the present or perfect; in the past or future
    it is a question ("Tell me when you saw the dog."). Precision and recall are measured in the tests.
    """
    for sentence in sentences(text):
        opening = open_up(sentence)
        found: Wish | Stop | None
        if standing and is_mere_stop(opening.words):
            # Who cuts an answer short with it wants no alert forgotten.
            found = Stop(frozenset(), "narration")
        elif is_stop(opening.words):
            found = find_stop(opening.words)
        else:
            found = _wish(opening, sentence.strip())
        if found:
            return found
    return None


def _wish(opening: Opening, sentence: str) -> Wish | None:
    if asks_to_narrate(opening):
        return Wish("narration", sentence, repeats=True)
    repeats = _alert(opening)
    return None if repeats is None else Wish("alert", sentence, repeats or opening.lasting)


def _alert(opening: Opening) -> bool | None:
    """None where nothing is to be waited for; else whether it is, again and again."""
    words = opening.words
    if match := _REQUEST.match(words):
        return _waited(match, opening, mild=words.startswith(("tell", "say")))
    if match := _WANTED.match(words):
        return _waited(match, opening, mild=True)
    if (match := _REQUEST_AFTER.match(words)) and _is_command(match):
        return _waited(match, opening, mild=match["tell"].startswith(("tell", "say")))
    for pattern in (_OF_EACH, _OF_ONE):
        if match := pattern.match(words):
            return None if of_what_was(match["what"]) else pattern is _OF_EACH
    watched = opening.watched or words
    match = _LOOK_OUT.match(watched)
    if match and not of_what_was(match["what"]) and not _is_told_now(watched):
        return re.search(AGAIN, watched) is not None
    return None


def _waited(match: re.Match[str], opening: Opening, *, mild: bool) -> bool | None:
    if match["upon"]:
        return None if of_what_was(match["upon"]) else re.search(rf"^\w+ {EACH}\b", match["upon"]) is not None
    how, what = match["how"], match["what"]
    if asks_now(how, what, mild=mild) or (opening.looking and how == "if"):
        return None
    return re.fullmatch(AGAIN, how) is not None


def _is_command(match: re.Match[str]) -> bool:
    """Whether the verb after a condition is asked of the listener, and has no subject of its own."""
    condition = match["what"] or match["upon"]
    if match.groupdict().get("more") and match["how"] == "if":
        return False  # "If two sides are equal, tell me what it is."
    if match["comma"]:
        return True
    said = match["tell"]
    plain = re.match(rf"{ADDRESSED}|say (?:so|something)|speak up", said) is not None
    return plain and _SUBJECT.search(condition) is None


def _is_told_now(words: str) -> bool:
    return words.startswith(_NEEDS_TELL) and _AND_TELL.search(words) is None
